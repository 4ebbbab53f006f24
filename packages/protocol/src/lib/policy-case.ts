import * as z from "zod";
import { actorSchema } from "./actor.ts";
import { causeSchema, controlSchema } from "./decision.ts";
import { toolNameSchema } from "./glob.ts";
import { slugSchema, tagSchema, timestampSchema } from "./ids.ts";
import { jsonObjectSchema, jsonValueSchema, stringMapSchema } from "./json.ts";
import { lockdownSchema } from "./lockdown.ts";
import { messageSchema, modelSchema } from "./message.ts";
import { metricsSchema } from "./metric.ts";
import { subjectSchema } from "./subject.ts";
import { classificationSchema } from "./tool.ts";

/** A stretch of time as people write it: `90s`, `1h 30m`, `500ms`. */
export const durationSchema = z
  .string()
  .max(64)
  .regex(
    /^\d+(?:\.\d+)?(?:ms|s|m|h|d)(?: ?\d+(?:\.\d+)?(?:ms|s|m|h|d))*$/,
    "must be a duration such as `90s`, `1h 30m` or `500ms`",
  );

const name = z.string().min(1).max(256);

/** What became of a call: let through as it is, let through rewritten, held for a person, refused. */
export const caseOutcomeSchema = z.enum(["ALLOW", "REDACT", "HITL", "BLOCK"]);
export type CaseOutcome = z.infer<typeof caseOutcomeSchema>;

const causeKinds = causeSchema.options.map((option) => option.shape.kind.value);

/** What a decision must be; every field given must hold. */
export const caseExpectationSchema = z.union([
  caseOutcomeSchema,
  z.strictObject({
    verdict: caseOutcomeSchema.optional(),
    control: controlSchema.optional(),
    /** The kind of the cause. */
    cause: z.enum(causeKinds).optional(),
    /** Name or id of the rule that decided. */
    rule: name.optional(),
    /** Text that the message contains. */
    message: z.string().min(1).max(4096).optional(),
    /** What shadow rules would have made of it. */
    shadow: caseOutcomeSchema.optional(),
    /** The whole arguments, result, messages or response as they go on. */
    args: jsonValueSchema.optional(),
    result: jsonValueSchema.optional(),
    messages: z.array(messageSchema).optional(),
    response: messageSchema.optional(),
    /** All labels of the run from then on. */
    labels: z.array(tagSchema).max(31).optional(),
  }),
]);
export type CaseExpectation = z.infer<typeof caseExpectationSchema>;

/** What the host's functions would say about a call. Signals and own functions that are not given fail: they are unknown. */
const hostFields = {
  subjects: z.union([z.array(subjectSchema), z.literal("unknown")]).optional(),
  /** `null`: the function has no value for this call. */
  signals: jsonObjectSchema.optional(),
  customs: z.record(name, z.union([z.boolean(), z.literal("unknown")])).optional(),
  /** Shared windows cannot be read. Default false. */
  unavailable: z.boolean().optional(),
};

/** A tool call, and what the tool returns when it is let through. */
export const callStepSchema = z.strictObject({
  call: toolNameSchema,
  args: jsonValueSchema.optional(),
  result: jsonValueSchema.optional(),
  /** The tool throws this instead of returning. */
  error: z.string().optional(),
  /** How long the tool takes. */
  took: durationSchema.optional(),
  metrics: metricsSchema.optional(),
  /** The answer that exists for exactly this call. */
  approval: z.enum(["approved", "denied", "pending"]).optional(),
  ...hostFields,
  /** Absent: the call is let through. */
  expect: caseExpectationSchema.optional(),
  /** The decision on the result. Absent: it is let through. */
  expectResult: caseExpectationSchema.optional(),
});
export interface CallStep extends z.infer<typeof callStepSchema> {}

/** A model call. */
export const llmStepSchema = z.strictObject({
  llm: z.strictObject({
    messages: z.array(messageSchema).optional(),
    response: messageSchema.optional(),
    model: modelSchema.optional(),
  }),
  took: durationSchema.optional(),
  metrics: metricsSchema.optional(),
  ...hostFields,
  expect: caseExpectationSchema.optional(),
  /** The decision on the response. Absent: it is let through. */
  expectResponse: caseExpectationSchema.optional(),
});
export interface LlmStep extends z.infer<typeof llmStepSchema> {}

/** Time passes. */
export const advanceStepSchema = z.strictObject({ advance: durationSchema });
export interface AdvanceStep extends z.infer<typeof advanceStepSchema> {}

/** The user says something. */
export const promptStepSchema = z.strictObject({ prompt: z.string().min(1) });
export interface PromptStep extends z.infer<typeof promptStepSchema> {}

const runFields = {
  actor: actorSchema.optional(),
  /** What the user asks for. */
  prompt: z.string().min(1).optional(),
  session: name.optional(),
  runTags: stringMapSchema.optional(),
  context: jsonObjectSchema.optional(),
};

/** Another run starts; windows beyond a run go on. Fields that are absent are those of the case. */
export const runStepSchema = z.strictObject({ run: z.strictObject(runFields) });
export interface RunStep extends z.infer<typeof runStepSchema> {}

export type CaseStep = CallStep | LlmStep | AdvanceStep | PromptStep | RunStep;

/** The steps by the field that tells them apart. */
export const caseStepSchemas: Readonly<Record<string, z.ZodType<CaseStep>>> = {
  call: callStepSchema,
  llm: llmStepSchema,
  advance: advanceStepSchema,
  prompt: promptStepSchema,
  run: runStepSchema,
};

const toolSpec = z.union([
  z.array(tagSchema).max(64),
  z.strictObject({
    tags: z.array(tagSchema).max(64).optional(),
    classification: classificationSchema.optional(),
    kind: z.enum(["function", "mcp", "provider", "agent"]).optional(),
  }),
]);

/** Fields that a file gives for all of its cases and a case may give for itself. */
const settings = {
  agent: z
    .union([slugSchema, z.strictObject({ slug: slugSchema, tags: z.array(tagSchema).max(64).optional() })])
    .optional(),
  ...runFields,
  /** The agent's tools by name: their tags, or tags and classification. */
  tools: z.record(toolNameSchema, toolSpec).optional(),
  /** When the case starts. Default Monday, 5 January 2026, 12:00 UTC. */
  now: timestampSchema.optional(),
  enforceMode: z.enum(["enforce", "shadow"]).optional(),
  failClosed: z.boolean().optional(),
  lockdowns: z.array(lockdownSchema).max(64).optional(),
  ...hostFields,
};

/** One case; its steps are checked one by one by `caseStepSchemas`. */
export const policyCaseSchema = z.strictObject({
  name,
  description: z.string().max(4096).optional(),
  ...settings,
  steps: z.array(z.unknown()).min(1).max(10_000),
});

/** A case file. */
export const policyCaseFileSchema = z.strictObject({
  /** Policy files that the cases are about, relative to the case file. Default: the file of the same name beside it. */
  policies: z.array(z.string().min(1).max(1024)).min(1).max(64).optional(),
  ...settings,
  cases: z.array(z.unknown()).min(1).max(10_000),
});

export interface CaseSettings extends z.infer<z.ZodObject<typeof settings>> {}
