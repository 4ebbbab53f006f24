import * as z from "zod";
import { type Comparison, comparing, comparingText, type TextComparison } from "./comparison.ts";
import { type ExprTree, exprTreeSchema } from "./expr.ts";
import { tagSchema } from "./ids.ts";
import { type JsonValue, jsonValueSchema } from "./json.ts";
import { metricNameSchema } from "./metric.ts";
import { DETECTOR_IDS, type DetectorId } from "./sensitive.ts";
import { type TimeWindow, type TimeZoneSource, timeWindowSchema, timeZoneSourceSchema } from "./time.ts";
import { type ToolSelector, toolSelectorSchema } from "./tool.ts";

/** What an absent value makes of a condition: `skip` (default) not held, `match` held, `unknown` decided by the rule. */
export type OnMissing = "skip" | "match" | "unknown";

/** Whose calls or metrics a window adds up. `agentActor` is one agent acting for one actor; `group` the actor's group. */
export type WindowScope = "run" | "session" | "agent" | "actor" | "agentActor" | "group" | "workspace";

/** Where an argument's value was seen first, most trusted place first; `unseen` is nowhere. */
export type Origin = "prompt" | "trusted" | "untrusted" | "unseen";

/** One earlier call that a sequence asks about; every field given must hold. */
export interface CallPattern extends ToolSelector {
  /** How the call ended; absent takes calls that were let through, whatever came of them. */
  readonly outcome?: "success" | "error" | undefined;
  /** The call was decided at most this many seconds ago. */
  readonly withinSeconds?: number | undefined;
}

export type ToolNameCondition = { readonly kind: "toolName" } & TextComparison;
export type ToolTagCondition = {
  readonly kind: "toolTag";
  readonly anyOf?: readonly string[] | undefined;
  readonly allOf?: readonly string[] | undefined;
  readonly noneOf?: readonly string[] | undefined;
};
export type ToolArgCondition = {
  readonly kind: "toolArg";
  /** Dot path: `a.b`, `items[].price`, `items[0]`, `a["x.y"]`; `**` is every leaf. */
  readonly path: string;
  /** Read the call's arguments (default) or, in `tool.after`, its result. */
  readonly in?: "args" | "result" | undefined;
  /** For a path with many values: one of them suffices (default) or all must hold. */
  readonly quantifier?: "any" | "all" | undefined;
  readonly onMissing?: OnMissing | undefined;
} & Comparison;
export type ActorCondition = {
  /** `enduserTag` is the older name. */
  readonly kind: "actor" | "enduserTag";
  /** `externalId`, `name`, `metadata.<key>`, or the same below `group.`. */
  readonly path: string;
  readonly onMissing?: OnMissing | undefined;
} & TextComparison;
export type RunTagCondition = {
  readonly kind: "runTag";
  readonly tag: string;
  readonly onMissing?: OnMissing | undefined;
} & TextComparison;
export type ContextCondition = {
  readonly kind: "context";
  readonly path: string;
  readonly quantifier?: "any" | "all" | undefined;
  readonly onMissing?: OnMissing | undefined;
} & Comparison;
export type MaxCallsCondition = {
  readonly kind: "maxCalls";
  readonly scope: WindowScope;
  /** Holds for the call that would be number `max + 1`. */
  readonly max: number;
  /** Rolling window; absent counts since the scope began (for `run`) and is required for any other scope. */
  readonly windowSeconds?: number | undefined;
  /** Which calls count; absent counts those the rule selects. */
  readonly tool?: ToolSelector | undefined;
  /** Decisions warn from this share of `max` on, above 0 and at most 1, such as 0.8. */
  readonly warnAt?: number | undefined;
};
export type SequenceCondition = {
  readonly kind: "sequence";
  /** Each of these was let through earlier in the run. */
  readonly called?: readonly CallPattern[] | undefined;
  /** None of these was. */
  readonly notCalled?: readonly CallPattern[] | undefined;
};
export type ExecutionTimeCondition = {
  readonly kind: "executionTime";
  /** Since the run started, or (in the after phases) how long this call took. */
  readonly scope: "run" | "call";
  readonly op: "gt" | "gte" | "lt" | "lte";
  readonly valueMs: number;
};
export type TimeGateCondition = {
  readonly kind: "timeGate";
  /** Holds inside one of these windows; use `not` for outside. */
  readonly windows: readonly TimeWindow[];
  readonly timezone: TimeZoneSource;
  readonly onMissing?: OnMissing | undefined;
};
export type MetricWindowCondition = {
  readonly kind: "metricWindow";
  readonly scope: WindowScope;
  readonly metric: string;
  readonly aggregate: "sum" | "avg" | "max" | "min" | "count";
  /** Rolling window; absent takes everything since the scope began (for `run`) and is required for any other scope. */
  readonly windowSeconds?: number | undefined;
  readonly op: "gt" | "gte" | "lt" | "lte";
  readonly value: number;
  /** What one call that has not ended is assumed to add, for this call and for those in flight. Default 0. */
  readonly estimate?: number | undefined;
  /** Which calls count; absent counts all. */
  readonly tool?: ToolSelector | undefined;
  /** Decisions warn from this share of `value` on, above 0 and at most 1; only where a `sum` or `count` is to stay below a `value` above 0. */
  readonly warnAt?: number | undefined;
};
export type SubjectCondition = {
  readonly kind: "subject";
  readonly subjectType: string;
  readonly role?: string | undefined;
  readonly idSystem?: string | undefined;
  readonly onMissing?: OnMissing | undefined;
} & TextComparison;
export type SignalCondition = {
  readonly kind: "signal";
  /** The name under which the host registered the function. */
  readonly signal: string;
  readonly onMissing?: OnMissing | undefined;
} & Comparison;
export type SensitiveDataCondition = {
  readonly kind: "sensitiveData";
  /** Where to look; absent looks at what the phase carries. */
  readonly in?: "args" | "result" | "messages" | "response" | undefined;
  /** Absent uses every detector. */
  readonly detectors?: readonly DetectorId[] | undefined;
  /** Look only below this path. */
  readonly path?: string | undefined;
  /** How many findings it takes. Default 1. */
  readonly min?: number | undefined;
};
export type LabelCondition = {
  readonly kind: "label";
  readonly allOf?: readonly string[] | undefined;
  readonly anyOf?: readonly string[] | undefined;
  readonly noneOf?: readonly string[] | undefined;
};
export type ArgFromCondition = {
  readonly kind: "argFrom";
  /** The arguments to trace; a path to an object or list traces every leaf below it. */
  readonly paths: readonly string[];
  /** Holds when a value's most trusted origin is one of these. */
  readonly origins: readonly Origin[];
  readonly onMissing?: OnMissing | undefined;
};
export type ExprCondition = {
  readonly kind: "expr";
  readonly lang: "cel";
  readonly src: string;
  /** Made from `src` when the policy is saved or loaded; the engine runs this. */
  readonly tree?: ExprTree | undefined;
};
export type CustomCondition = {
  readonly kind: "custom";
  /** The name under which the host registered the function. */
  readonly name: string;
  readonly args?: JsonValue | undefined;
};
export type AndCondition = { readonly kind: "and"; readonly all: readonly Condition[] };
export type OrCondition = { readonly kind: "or"; readonly any: readonly Condition[] };
export type NotCondition = { readonly kind: "not"; readonly not: Condition };

/** What must hold for a rule to match; evaluated to true, false or unknown (DESIGN "How a decision is made"). */
export type Condition =
  | ToolNameCondition
  | ToolTagCondition
  | ToolArgCondition
  | ActorCondition
  | RunTagCondition
  | ContextCondition
  | MaxCallsCondition
  | SequenceCondition
  | ExecutionTimeCondition
  | TimeGateCondition
  | MetricWindowCondition
  | SubjectCondition
  | SignalCondition
  | SensitiveDataCondition
  | LabelCondition
  | ArgFromCondition
  | ExprCondition
  | CustomCondition
  | AndCondition
  | OrCondition
  | NotCondition;

export type ConditionKind = Condition["kind"];

const onMissing = z.enum(["skip", "match", "unknown"]).optional();
const quantifier = z.enum(["any", "all"]).optional();
const path = z.string().min(1).max(512);
const tags = z.array(tagSchema).min(1).max(64);
const name = z.string().min(1).max(128);
const windowSeconds = z
  .number()
  .positive()
  .max(366 * 86_400);
const order = z.enum(["gt", "gte", "lt", "lte"]);

export const windowScopeSchema = z.enum(["run", "session", "agent", "actor", "agentActor", "group", "workspace"]);
export const originSchema = z.enum(["prompt", "trusted", "untrusted", "unseen"]);

const callPatternSchema = z.strictObject({
  ...toolSelectorSchema.shape,
  outcome: z.enum(["success", "error"]).optional(),
  withinSeconds: windowSeconds.optional(),
});

const anyAllNone = { anyOf: tags.optional(), allOf: tags.optional(), noneOf: tags.optional() };
const saysSomething = (c: { anyOf?: unknown; allOf?: unknown; noneOf?: unknown }): boolean =>
  c.anyOf !== undefined || c.allOf !== undefined || c.noneOf !== undefined;
const SAY_ONE = "give at least one of `anyOf`, `allOf` and `noneOf`";

const windowed = (c: { scope: string; windowSeconds?: number | undefined }): boolean =>
  c.scope === "run" || c.windowSeconds !== undefined;
const warnAt = z.number().positive().max(1);
const isCeiling = (c: { aggregate: string; op: string; value: number }): boolean =>
  (c.aggregate === "sum" || c.aggregate === "count") && (c.op === "gt" || c.op === "gte") && c.value > 0;
const SAY_WINDOW = { message: "is required for every scope but `run`", path: ["windowSeconds"] };

/** The schema of a condition; recursive, tagged by `kind`. */
export const conditionSchema: z.ZodType<Condition> = z.lazy(() => conditionUnion) as z.ZodType<Condition>;

const conditionUnion = z.discriminatedUnion("kind", [
  comparingText({ kind: z.literal("toolName") }),
  z.strictObject({ kind: z.literal("toolTag"), ...anyAllNone }).refine(saysSomething, SAY_ONE),
  comparing({ kind: z.literal("toolArg"), path, in: z.enum(["args", "result"]).optional(), quantifier, onMissing }),
  comparingText({ kind: z.enum(["actor", "enduserTag"]), path, onMissing }),
  comparingText({ kind: z.literal("runTag"), tag: name, onMissing }),
  comparing({ kind: z.literal("context"), path, quantifier, onMissing }),
  z
    .strictObject({
      kind: z.literal("maxCalls"),
      scope: windowScopeSchema,
      max: z.int().min(0).max(1_000_000_000),
      windowSeconds: windowSeconds.optional(),
      tool: toolSelectorSchema.optional(),
      warnAt: warnAt.optional(),
    })
    .refine(windowed, SAY_WINDOW),
  z
    .strictObject({
      kind: z.literal("sequence"),
      called: z.array(callPatternSchema).min(1).max(32).optional(),
      notCalled: z.array(callPatternSchema).min(1).max(32).optional(),
    })
    .refine((c) => c.called !== undefined || c.notCalled !== undefined, "give `called`, `notCalled` or both"),
  z.strictObject({
    kind: z.literal("executionTime"),
    scope: z.enum(["run", "call"]),
    op: order,
    valueMs: z.number().min(0),
  }),
  z.strictObject({
    kind: z.literal("timeGate"),
    windows: z.array(timeWindowSchema).min(1).max(64),
    timezone: timeZoneSourceSchema,
    onMissing,
  }),
  z
    .strictObject({
      kind: z.literal("metricWindow"),
      scope: windowScopeSchema,
      metric: metricNameSchema,
      aggregate: z.enum(["sum", "avg", "max", "min", "count"]),
      windowSeconds: windowSeconds.optional(),
      op: order,
      value: z.number(),
      estimate: z.number().min(0).optional(),
      tool: toolSelectorSchema.optional(),
      warnAt: warnAt.optional(),
    })
    .refine(windowed, SAY_WINDOW)
    .refine((c) => c.warnAt === undefined || isCeiling(c), {
      message: "needs a `sum` or `count` with `gt` or `gte` and a value above 0",
      path: ["warnAt"],
    }),
  comparingText({
    kind: z.literal("subject"),
    subjectType: name,
    role: name.optional(),
    idSystem: name.optional(),
    onMissing,
  }),
  comparing({ kind: z.literal("signal"), signal: name, onMissing }),
  z.strictObject({
    kind: z.literal("sensitiveData"),
    in: z.enum(["args", "result", "messages", "response"]).optional(),
    detectors: z.array(z.enum(DETECTOR_IDS)).min(1).optional(),
    path: path.optional(),
    min: z.int().min(1).max(10_000).optional(),
  }),
  z.strictObject({ kind: z.literal("label"), ...anyAllNone }).refine(saysSomething, SAY_ONE),
  z.strictObject({
    kind: z.literal("argFrom"),
    paths: z.array(path).min(1).max(64),
    origins: z.array(originSchema).min(1).max(4),
    onMissing,
  }),
  z.strictObject({
    kind: z.literal("expr"),
    lang: z.literal("cel"),
    src: z.string().min(1).max(4096),
    tree: exprTreeSchema.optional(),
  }),
  z.strictObject({ kind: z.literal("custom"), name, args: jsonValueSchema.optional() }),
  z.strictObject({ kind: z.literal("and"), all: z.array(conditionSchema).min(1).max(128) }),
  z.strictObject({ kind: z.literal("or"), any: z.array(conditionSchema).min(1).max(128) }),
  z.strictObject({ kind: z.literal("not"), not: conditionSchema }),
]);

/** Every kind of condition. */
export const CONDITION_KINDS: readonly ConditionKind[] = [
  "toolName",
  "toolTag",
  "toolArg",
  "actor",
  "enduserTag",
  "runTag",
  "context",
  "maxCalls",
  "sequence",
  "executionTime",
  "timeGate",
  "metricWindow",
  "subject",
  "signal",
  "sensitiveData",
  "label",
  "argFrom",
  "expr",
  "custom",
  "and",
  "or",
  "not",
];
