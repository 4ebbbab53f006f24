import {
  actorSchema,
  budgetWarningSchema,
  controlSchema,
  evaluatedRuleSchema,
  idSchema,
  jsonObjectSchema,
  jsonValueSchema,
  lockdownSchema,
  messageSchema,
  metricsSchema,
  modelSchema,
  phaseSchema,
  plannedRedactionSchema,
  policySchema,
  shadowDecisionSchema,
  slugSchema,
  stringMapSchema,
  subjectSchema,
  tagSchema,
  verdictSchema,
} from "@handlebar/protocol";
import * as z from "zod";

const epochMs = z.number();
const causeKind = z.looseObject({ kind: z.string() });

/** A value that could not be had: the host's function failed. */
const unknownSchema = z.strictObject({ unknown: z.literal(true) });

/** The world of a case. Steps may change any of it with `change`. */
const conformanceWorldSchema = z.strictObject({
  agent: z.strictObject({ slug: slugSchema, tags: z.array(tagSchema).optional() }),
  actor: actorSchema.optional(),
  run: z
    .strictObject({
      /** Default `run-1`. */
      runId: idSchema.optional(),
      sessionId: idSchema.optional(),
      /** Default: `nowMs` of the case. */
      startedAtMs: epochMs.optional(),
      status: z.enum(["open", "ended", "terminated"]).optional(),
      tags: stringMapSchema.optional(),
      context: jsonObjectSchema.optional(),
      /** Labels that the run has from the start, such as its session's. */
      labels: z.array(tagSchema).optional(),
    })
    .optional(),
  /** The clock, epoch milliseconds. Default 1767614400000: Monday, 5 January 2026, 12:00 UTC. */
  nowMs: epochMs.optional(),
  /**
   * Windows beyond the run: `counted` (default) adds up the calls of this case, `unavailable` cannot be read, and a list gives
   * readings by rule (and place of the window in its condition, from 0); windows that it does not name cannot be read.
   */
  shared: z
    .union([
      z.enum(["counted", "unavailable"]),
      z.array(
        z.strictObject({
          ruleId: idSchema,
          index: z.int().min(0).optional(),
          /** `null`: the average, minimum or maximum of nothing. */
          value: z.number().nullable(),
          /** What is used, where `value` counts what others may yet use as well. Absent: `value`. */
          used: z.number().optional(),
          resetAtMs: epochMs.optional(),
        }),
      ),
    ])
    .optional(),
  lockdowns: z.array(lockdownSchema).optional(),
  /** By name; a name that is not there has no value, `{ "unknown": true }` is a function that failed. */
  signals: z.record(z.string(), z.union([unknownSchema, jsonValueSchema])).optional(),
  /** Answers of the host's own conditions by name; one that is not there is unknown. */
  customs: z.record(z.string(), z.union([z.boolean(), unknownSchema])).optional(),
  subjects: z.union([z.array(subjectSchema), unknownSchema]).optional(),
  /** The approval that exists for the call. */
  approval: z
    .strictObject({
      approvalId: idSchema,
      status: z.enum(["pending", "approved", "denied"]),
      by: z.string().optional(),
      instead: jsonValueSchema.optional(),
    })
    .optional(),
});
export interface ConformanceWorld extends z.infer<typeof conformanceWorldSchema> {}

/** What a decision must be; every field given must hold. */
const conformanceExpectationSchema = z.strictObject({
  verdict: verdictSchema.optional(),
  control: controlSchema.optional(),
  /** Every field given must be equal. */
  cause: causeKind.optional(),
  /** `null`: none. */
  finalRuleId: idSchema.nullable().optional(),
  /** By rule id: what its condition came to, or fields of its row. Rules that are not named are not looked at. */
  rules: z.record(z.string(), z.union([evaluatedRuleSchema.shape.outcome, evaluatedRuleSchema.partial()])).optional(),
  /** The ids of all rows, in order. */
  ruleIds: z.array(idSchema).optional(),
  /** What is to be redacted; `null`: nothing. */
  redactions: z.array(plannedRedactionSchema).nullable().optional(),
  /** The payload of the phase as it goes on: arguments, result, messages or response. */
  redacted: z.union([jsonValueSchema, z.array(messageSchema), messageSchema]).optional(),
  /** What shadow rules would have made of it; every field given must be equal. `null`: nothing else. */
  shadow: shadowDecisionSchema.partial().nullable().optional(),
  /** `null`: nothing was missing. */
  degraded: z.array(z.string()).nullable().optional(),
  /** `null`: there are none. */
  warnings: z.array(budgetWarningSchema).nullable().optional(),
  /** Text that the message contains, and must not contain. */
  message: z.string().optional(),
  messageOmits: z.array(z.string()).optional(),
  /** All labels of the run after this step, sorted. */
  labels: z.array(tagSchema).optional(),
});
export interface ConformanceExpectation extends z.infer<typeof conformanceExpectationSchema> {}

const callSchema = z.strictObject({
  callId: idSchema,
  tool: z.strictObject({ name: z.string(), tags: z.array(z.string()).optional(), kind: z.string().optional() }),
  args: jsonValueSchema.optional(),
  /** A bound was exceeded while the arguments were read. */
  argsExceeded: z.boolean().optional(),
  result: jsonValueSchema.optional(),
  resultExceeded: z.boolean().optional(),
  error: z.strictObject({ name: z.string().optional(), message: z.string() }).optional(),
  durationMs: z.number().optional(),
});

const llmSchema = z.strictObject({
  callId: idSchema,
  model: modelSchema.optional(),
  messages: z.array(messageSchema).optional(),
  response: messageSchema.optional(),
});

export const conformanceStepSchema = z.discriminatedUnion("do", [
  /** What the user says; `argFrom` knows values in it as from the prompt. */
  z.strictObject({ do: z.literal("prompt"), text: z.string() }),
  /**
   * Decides. In a before phase a call that is let through is remembered afterwards; in an after phase what the call came to is
   * remembered first. A decision with `TERMINATE` makes the run's status `terminated`.
   */
  z.strictObject({
    do: z.literal("decide"),
    phase: phaseSchema,
    call: callSchema.optional(),
    llm: llmSchema.optional(),
    metrics: metricsSchema.optional(),
    expect: conformanceExpectationSchema,
  }),
  /** The `tool.after` of a call that was decided before: its tool and arguments are those of that step. */
  z.strictObject({
    do: z.literal("result"),
    callId: idSchema,
    result: jsonValueSchema.optional(),
    error: z.strictObject({ name: z.string().optional(), message: z.string() }).optional(),
    durationMs: z.number().optional(),
    metrics: metricsSchema.optional(),
    expect: conformanceExpectationSchema.optional(),
  }),
  /** Time passes. */
  z.strictObject({ do: z.literal("advance"), ms: z.number().min(0) }),
  /** Fields of the world that are other from now on. */
  z.strictObject({ do: z.literal("change"), given: conformanceWorldSchema.omit({ nowMs: true, run: true }).partial() }),
  /** Another run begins, without memory of the one before; windows beyond the run go on. */
  z.strictObject({ do: z.literal("run"), run: conformanceWorldSchema.shape.run }),
]);
export type ConformanceStep = z.infer<typeof conformanceStepSchema>;

/**
 * One case that every implementation of the engine must decide the same way. Plain JSON: see each field. `expr` conditions come
 * as text; who runs the case prepares them.
 */
export const conformanceCaseSchema = z.strictObject({
  /** Unique, such as `precedence-block-over-allow`. */
  id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  /** The section of SPEC.md that it is about, such as `5.4`. */
  section: z.string(),
  title: z.string(),
  policies: z.array(policySchema),
  options: z
    .strictObject({ failClosed: z.boolean().optional(), enforceMode: z.enum(["enforce", "shadow"]).optional() })
    .optional(),
  given: conformanceWorldSchema,
  /** The policies cannot be compiled: the code of the error and, where given, the field that it names. */
  refused: z.strictObject({ code: z.string(), field: z.string().optional() }).optional(),
  steps: z.array(conformanceStepSchema),
});
export interface ConformanceCase extends z.infer<typeof conformanceCaseSchema> {}

/** A file of cases. */
export const conformanceFileSchema = z.strictObject({ cases: z.array(conformanceCaseSchema).min(1) });

/** The JSON Schema of a file of cases, for editors and implementations in other languages. */
export function conformanceJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(conformanceFileSchema, { unrepresentable: "any", io: "input" });
}
