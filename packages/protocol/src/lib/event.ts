import * as z from "zod";
import { actorSchema } from "./actor.ts";
import { agentSchema } from "./agent.ts";
import { approvalRequestSchema, approvalStatusSchema } from "./approval.ts";
import { decisionSchema } from "./decision.ts";
import { idSchema, timestampSchema } from "./ids.ts";
import { jsonValueSchema, stringMapSchema } from "./json.ts";
import { lockdownScopeSchema } from "./lockdown.ts";
import { messagePartSchema, modelSchema } from "./message.ts";
import { metricsSchema } from "./metric.ts";
import { phaseSchema } from "./phase.ts";
import { subjectSchema } from "./subject.ts";

/** The schema id that every audit event carries. */
export const EVENT_SCHEMA = "handlebar.audit.v1";

export const runStatusSchema = z.enum(["success", "error", "timeout", "interrupted"]);
/** How a run ended. */
export type RunStatus = z.infer<typeof runStatusSchema>;

/** What was taken out of an event before it left the process: how many findings of each kind, or fields cut for size. */
export const eventRedactionSchema = z.strictObject({
  findings: z.record(z.string(), z.int()).optional(),
  truncated: z.record(z.string(), z.int()).optional(),
  omitted: z.array(z.string()).optional(),
});

const envelope = {
  schema: z.literal(EVENT_SCHEMA),
  /** UUIDv7; the store keeps an event once by it. */
  eventId: z.uuid(),
  /** Place in its run, from 0, without gaps. */
  seq: z.int().min(0),
  ts: timestampSchema,
  /** The agent's slug. */
  agentId: idSchema,
  runId: idSchema,
  sessionId: idSchema.optional(),
  stepIndex: z.int().min(0).optional(),
  actorExternalId: idSchema.optional(),
  otel: z.strictObject({ traceId: z.string(), spanId: z.string() }).optional(),
  redaction: eventRedactionSchema.optional(),
};

const toolRef = z.strictObject({
  name: z.string(),
  tags: z.array(z.string()).optional(),
  kind: z.string().optional(),
});

/** The revision of the control plane's policies that a decision was made by; absent where none had come. */
const decidedAt = z.int().min(0).optional();

/** What each kind of event carries as `data`. */
export const eventDataSchemas = {
  "run.started": z.strictObject({
    agent: agentSchema,
    actor: actorSchema.optional(),
    model: modelSchema.optional(),
    tags: stringMapSchema.optional(),
    context: jsonValueSchema.optional(),
    prompt: z.string().optional(),
    enforceMode: z.enum(["enforce", "shadow", "off"]),
    adapter: z.strictObject({ name: z.string(), version: z.string().optional() }).optional(),
    sdk: z.strictObject({ name: z.string(), version: z.string() }),
    /** Set where the run goes on from another process or after a pause. */
    resumed: z.boolean().optional(),
  }),
  /** The decision of `tool.before`: exactly one for each proposed call. */
  "tool.decision": z.strictObject({
    ...decisionSchema.shape,
    callId: idSchema,
    tool: toolRef,
    args: jsonValueSchema.optional(),
    subjects: z.array(subjectSchema).optional(),
    revision: decidedAt,
    /** How long Handlebar took, in milliseconds. */
    decisionMs: z.number().optional(),
  }),
  /** What an executed call came to: exactly one for each. */
  "tool.result": z.strictObject({
    callId: idSchema,
    tool: toolRef,
    outcome: z.enum(["success", "error"]),
    result: jsonValueSchema.optional(),
    error: z.strictObject({ name: z.string().optional(), message: z.string() }).optional(),
    metrics: metricsSchema.optional(),
    /** Labels that the run got from this result. */
    labelsAdded: z.array(z.string()).optional(),
    /** The decision of `tool.after`, where a rule was asked. */
    decision: decisionSchema.optional(),
    revision: decidedAt,
  }),
  "message.raw.created": z.strictObject({
    messageId: idSchema,
    role: z.enum(["system", "user", "assistant", "tool"]),
    content: z.union([z.string(), z.array(messagePartSchema)]),
  }),
  /** The decision of `llm.before`. */
  "llm.decision": z.strictObject({
    ...decisionSchema.shape,
    callId: idSchema,
    model: modelSchema.optional(),
    revision: decidedAt,
    decisionMs: z.number().optional(),
  }),
  "llm.result": z.strictObject({
    callId: idSchema,
    model: modelSchema.optional(),
    outcome: z.enum(["success", "error"]),
    error: z.strictObject({ name: z.string().optional(), message: z.string() }).optional(),
    metrics: metricsSchema.optional(),
    /** The decision of `llm.after`, where a rule was asked. */
    decision: decisionSchema.optional(),
    revision: decidedAt,
  }),
  "approval.requested": z.strictObject({ approval: approvalRequestSchema }),
  "approval.resolved": z.strictObject({
    approvalId: idSchema,
    callId: idSchema,
    status: approvalStatusSchema,
    by: z.string().optional(),
    comment: z.string().optional(),
  }),
  "lockdown.applied": z.strictObject({
    lockdownId: idSchema,
    scope: lockdownScopeSchema,
    reason: z.string().optional(),
    /** False in `enforceMode: "shadow"`: seen, and not acted on. */
    enforced: z.boolean(),
  }),
  "policy.applied": z.strictObject({
    revision: z.int().min(0),
    policyIds: z.array(idSchema),
    /** Set when the revision was refused and the last good one stays. */
    refused: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  }),
  "events.dropped": z.strictObject({
    /** Events that were lost before they left the process, by reason and kind. */
    counts: z.array(z.strictObject({ reason: z.string(), kind: z.string(), count: z.int().positive() })),
    /** Sequence numbers of this run that will never arrive, as inclusive ranges. */
    ranges: z.array(z.strictObject({ runId: idSchema, from: z.int().min(0), to: z.int().min(0) })),
  }),
  error: z.strictObject({
    code: z.string(),
    scope: z.string(),
    message: z.string(),
    phase: phaseSchema.optional(),
    callId: idSchema.optional(),
  }),
  "run.ended": z.strictObject({
    status: runStatusSchema,
    steps: z.int().min(0),
    metrics: metricsSchema.optional(),
    /** Why the run was ended by Handlebar, where it was. */
    terminatedBy: z.string().optional(),
  }),
} as const;

export type EventKind = keyof typeof eventDataSchemas;
export type EventData<K extends EventKind = EventKind> = z.infer<(typeof eventDataSchemas)[K]>;

/** Every kind of event. */
export const EVENT_KINDS = Object.keys(eventDataSchemas) as readonly EventKind[];

/** The envelope that every audit event shares, whatever its kind. */
export const eventEnvelopeSchema = z.object({ ...envelope, kind: z.string(), data: z.unknown() });

const eventOf = <K extends EventKind>(kind: K) =>
  z.strictObject({ ...envelope, kind: z.literal(kind), data: eventDataSchemas[kind] });

/** One audit record. */
export const auditEventSchema = z.discriminatedUnion("kind", [
  eventOf("run.started"),
  eventOf("tool.decision"),
  eventOf("tool.result"),
  eventOf("message.raw.created"),
  eventOf("llm.decision"),
  eventOf("llm.result"),
  eventOf("approval.requested"),
  eventOf("approval.resolved"),
  eventOf("lockdown.applied"),
  eventOf("policy.applied"),
  eventOf("events.dropped"),
  eventOf("error"),
  eventOf("run.ended"),
]);

export type EventEnvelope = Omit<z.infer<typeof eventEnvelopeSchema>, "kind" | "data">;

/** One audit record of kind `K`, or of any kind. */
export type AuditEvent<K extends EventKind = EventKind> = {
  [P in K]: EventEnvelope & { readonly kind: P; readonly data: EventData<P> };
}[K];
