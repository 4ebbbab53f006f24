import type { Comparison, Condition, TextComparison, ToolSelector } from "@handlebar/protocol";
import fc from "fast-check";
import { EXPRESSIONS } from "./expressions.ts";
import {
  ARG_PATHS,
  CUSTOMS,
  defined,
  GLOBS,
  LABELS,
  METRICS,
  optional,
  PATTERNS,
  REFS,
  SIGNALS,
  some,
  TAGS,
  TOOLS,
  WORDS,
  ZONES,
} from "./vocabulary.ts";

const onMissing = optional(fc.constantFrom("skip", "match", "unknown"));
const number = fc.constantFrom(-1, 0, 1, 5, 10, 900);
const order = fc.constantFrom("gt", "gte", "lt", "lte");
const ignoreCase = optional(fc.boolean());
const word = fc.constantFrom(...WORDS, ...REFS.slice(0, 1), "pay", "BETA", "u_1", "gold");
const windowSeconds = fc.constantFrom(1, 30, 3_600);
const length = fc.nat({ max: 4 });

const textArbitrary: fc.Arbitrary<Omit<Extract<Comparison, { type: "string" }>, "type">> = fc.oneof(
  defined(
    fc.record({
      op: fc.constantFrom("eq", "neq", "contains", "notContains", "startsWith", "endsWith"),
      value: word,
      ignoreCase,
    }),
  ),
  defined(
    fc.record({
      op: fc.constantFrom("in", "notIn"),
      value: fc.array(word, { minLength: 1, maxLength: 3 }),
      ignoreCase,
    }),
  ),
  defined(fc.record({ op: fc.constant("glob"), value: fc.oneof(fc.constantFrom(...GLOBS), some(GLOBS)), ignoreCase })),
  defined(fc.record({ op: fc.constant("matches"), value: fc.constantFrom(...PATTERNS), ignoreCase })),
  fc.record({ op: fc.constantFrom("longerThan", "shorterThan"), value: length }),
) as fc.Arbitrary<Omit<Extract<Comparison, { type: "string" }>, "type">>;

const presence = fc.record({ op: fc.constantFrom("exists", "absent") });
const textComparison = fc.oneof({ arbitrary: textArbitrary, weight: 5 }, { arbitrary: presence, weight: 1 });

/** Typed comparisons of every type and operator. */
export const comparisonArbitrary: fc.Arbitrary<Comparison> = fc.oneof(
  fc.record({ type: fc.constant("number"), op: fc.constantFrom("eq", "neq", "gt", "gte", "lt", "lte"), value: number }),
  fc.record({
    type: fc.constant("number"),
    op: fc.constantFrom("in", "notIn"),
    value: fc.array(number, { minLength: 1, maxLength: 3 }),
  }),
  textArbitrary.map((comparison) => ({ type: "string", ...comparison })),
  fc.record({ type: fc.constant("boolean"), op: fc.constantFrom("eq", "neq"), value: fc.boolean() }),
  fc.record({
    type: fc.constant("array"),
    op: fc.constantFrom("contains", "notContains"),
    value: fc.oneof(word, number, fc.boolean()),
  }),
  fc.record({ type: fc.constant("array"), op: fc.constantFrom("longerThan", "shorterThan"), value: length }),
  presence.map(({ op }) => ({ type: "any", op })),
) as fc.Arbitrary<Comparison>;

/** Selectors of tools by name, glob and tag. */
export const toolSelectorArbitrary: fc.Arbitrary<ToolSelector> = defined(
  fc.record({
    name: optional(
      fc.oneof(
        fc.constantFrom(...GLOBS),
        some(GLOBS),
        fc.constantFrom(...TOOLS).map((tool) => tool.name),
      ),
      1,
    ),
    tagsAny: optional(some(TAGS), 4),
    tagsAll: optional(some(TAGS), 8),
  }),
);

const pathed = <B extends object>(base: fc.Arbitrary<B>): fc.Arbitrary<B & Comparison> =>
  fc
    .tuple(defined(base), comparisonArbitrary)
    .map(([fields, comparison]) => ({ ...fields, ...comparison }))
    // `**` names no lists.
    .filter(
      (condition) => !("path" in condition && String(condition.path).endsWith("**") && condition.type === "array"),
    );
const texted = <B extends object>(base: fc.Arbitrary<B>): fc.Arbitrary<B & TextComparison> =>
  fc
    .tuple(defined(base), textComparison)
    .map(([fields, comparison]) => ({ ...fields, ...comparison }) as B & TextComparison);
const quantifier = optional(fc.constantFrom("any", "all"));
const names = <T extends string>(kind: T, list: readonly string[]) =>
  defined(
    fc.record({
      kind: fc.constant(kind),
      anyOf: optional(some(list)),
      allOf: optional(some(list)),
      noneOf: optional(some(list)),
    }),
  ).filter((condition) => Object.keys(condition).length > 1);
const scope = fc.oneof(
  { arbitrary: fc.constant("run"), weight: 4 },
  { arbitrary: fc.constantFrom("session", "agent", "actor", "agentActor", "group", "workspace"), weight: 2 },
);
const windowed = <B extends { scope: string; windowSeconds: number | undefined }>(base: fc.Arbitrary<B>) =>
  defined(
    base.map((condition) =>
      condition.scope === "run" ? condition : { ...condition, windowSeconds: condition.windowSeconds ?? 60 },
    ),
  );
const pattern = fc
  .tuple(
    toolSelectorArbitrary,
    defined(
      fc.record({ outcome: optional(fc.constantFrom("success", "error")), withinSeconds: optional(windowSeconds) }),
    ),
  )
  .map(([selector, rest]) => ({ ...selector, ...rest }));
const clockTime = fc.constantFrom("00:00", "06:30", "09:00", "12:00", "17:00", "23:59");

const LEAVES: readonly fc.Arbitrary<unknown>[] = [
  texted(fc.record({ kind: fc.constant("toolName") })),
  names("toolTag", TAGS),
  pathed(
    fc.record({
      kind: fc.constant("toolArg"),
      path: fc.constantFrom(...ARG_PATHS),
      in: optional(fc.constantFrom("args", "result")),
      quantifier,
      onMissing,
    }),
  ),
  texted(
    fc.record({
      kind: fc.constantFrom("actor", "enduserTag"),
      path: fc.constantFrom("externalId", "name", "metadata.tier", "group.metadata.plan", "group.externalId"),
      onMissing,
    }),
  ),
  texted(fc.record({ kind: fc.constant("runTag"), tag: fc.constantFrom("env", "toString"), onMissing })),
  pathed(
    fc.record({
      kind: fc.constant("context"),
      path: fc.constantFrom("amount", "tags[]", "nested.deep"),
      quantifier,
      onMissing,
    }),
  ),
  windowed(
    fc.record({
      kind: fc.constant("maxCalls"),
      scope,
      max: fc.nat({ max: 4 }),
      windowSeconds: optional(windowSeconds, 1),
      warnAt: optional(fc.constantFrom(0.5, 1)),
      tool: optional(toolSelectorArbitrary),
    }),
  ),
  windowed(
    fc.record({
      kind: fc.constant("metricWindow"),
      scope,
      metric: fc.constantFrom(...METRICS),
      aggregate: fc.constantFrom("sum", "avg", "max", "min", "count"),
      windowSeconds: optional(windowSeconds, 1),
      op: order,
      value: number,
      estimate: optional(fc.constantFrom(0, 3)),
      tool: optional(toolSelectorArbitrary),
    }),
  ),
  defined(
    fc.record({
      kind: fc.constant("sequence"),
      called: optional(fc.array(pattern, { minLength: 1, maxLength: 2 }), 1),
      notCalled: optional(fc.array(pattern, { minLength: 1, maxLength: 2 }), 1),
    }),
  ).filter((condition) => Object.keys(condition).length > 1),
  fc.record({
    kind: fc.constant("executionTime"),
    scope: fc.constantFrom("run", "call"),
    op: order,
    valueMs: fc.constantFrom(0, 100, 60_000),
  }),
  defined(
    fc.record({
      kind: fc.constant("timeGate"),
      windows: fc.array(
        fc.record({
          days: some(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 4),
          start: clockTime,
          end: fc.oneof(clockTime, fc.constant("24:00")),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      timezone: fc.oneof(
        fc.constantFrom(...ZONES),
        defined(fc.record({ actor: fc.constant("metadata.zone"), fallback: optional(fc.constantFrom(...ZONES), 1) })),
      ),
      onMissing,
    }),
  ),
  texted(
    fc.record({
      kind: fc.constant("subject"),
      subjectType: fc.constantFrom("patient", "account"),
      role: optional(fc.constant("recipient")),
      onMissing,
    }),
  ),
  pathed(fc.record({ kind: fc.constant("signal"), signal: fc.constantFrom(...SIGNALS), onMissing })),
  defined(
    fc.record({
      kind: fc.constant("sensitiveData"),
      in: optional(fc.constantFrom("args", "result", "messages", "response")),
      detectors: fc.constant(["email"]),
      path: optional(fc.constantFrom("to", "tags[]", "nested.deep"), 4),
      min: optional(fc.constantFrom(1, 2, 3)),
    }),
  ),
  names("label", LABELS),
  fc.record({ kind: fc.constant("expr"), lang: fc.constant("cel"), src: fc.constantFrom(...EXPRESSIONS.keys()) }),
  defined(
    fc.record({
      kind: fc.constant("custom"),
      name: fc.constantFrom(...CUSTOMS),
      args: optional(fc.constant({ floor: 3 })),
    }),
  ),
];

const argFrom = defined(
  fc.record({
    kind: fc.constant("argFrom"),
    paths: some(["ref", "refs[]", "elsewhere"]),
    origins: some(["prompt", "trusted", "untrusted", "unseen"], 3),
    onMissing,
  }),
);

/** Conditions of every kind, up to three levels deep. `argFrom` is among them where `tightens`: it may not relax. */
export function conditionArbitrary(options: { readonly tightens: boolean }): fc.Arbitrary<Condition> {
  const leaf = fc.oneof(...LEAVES, ...(options.tightens ? [argFrom] : [])) as fc.Arbitrary<Condition>;
  const inner = fc.oneof({ arbitrary: leaf, weight: 5 }, { arbitrary: combined(leaf), weight: 1 });
  return fc.oneof({ arbitrary: leaf, weight: 3 }, { arbitrary: combined(inner), weight: 2 });
}

function combined(inside: fc.Arbitrary<Condition>): fc.Arbitrary<Condition> {
  const many = fc.array(inside, { minLength: 1, maxLength: 3 });
  return fc.oneof(
    many.map((all): Condition => ({ kind: "and", all })),
    many.map((any): Condition => ({ kind: "or", any })),
    inside.map((not): Condition => ({ kind: "not", not })),
  );
}
