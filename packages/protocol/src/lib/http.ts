import * as z from "zod";
import { actorSchema } from "./actor.ts";
import { agentSchema } from "./agent.ts";
import { approvalAnswerSchema, approvalRequestSchema, approvalSchema } from "./approval.ts";
import { decisionSchema } from "./decision.ts";
import { eventEnvelopeSchema, runStatusSchema } from "./event.ts";
import { reportedFindingSchema } from "./http-policies.ts";
import { idSchema, slugSchema, tagSchema, timestampSchema } from "./ids.ts";
import { jsonObjectSchema, jsonValueSchema, stringMapSchema } from "./json.ts";
import { leaseOperationSchema, leaseSchema } from "./lease.ts";
import { lockdownSchema, lockdownScopeSchema } from "./lockdown.ts";
import { messageSchema, modelSchema } from "./message.ts";
import { metricsSchema } from "./metric.ts";
import { phaseSchema } from "./phase.ts";
import { policySchema } from "./policy.ts";
import { subjectSchema } from "./subject.ts";
import { toolSchema } from "./tool.ts";

/** The request header that names the client: the same in every request of one client, and in its acknowledgements. */
export const CLIENT_HEADER = "handlebar-client";

/** Everything a client of one agent must know, at one revision. Applied whole or not at all. */
export const agentStateSchema = z.object({
  /** Grows with every change of policies or lockdowns; an older one never replaces a newer one. */
  revision: z.int().min(0),
  /** The policies for this agent, disabled and shadowed ones included. */
  policies: z.array(policySchema),
  /** The stop orders in force. */
  lockdowns: z.array(lockdownSchema),
  /** The control plane's clock, epoch milliseconds. */
  serverTimeMs: z.number().optional(),
});
export interface AgentState extends z.infer<typeof agentStateSchema> {}

/** `PUT /v1/agents` */
export const registerAgentBodySchema = z.strictObject({
  ...agentSchema.shape,
  tools: z.array(toolSchema).max(1000).optional(),
});
export interface RegisterAgentBody extends z.infer<typeof registerAgentBodySchema> {}
export const registerAgentAnswerSchema = z.object({ agentId: idSchema, state: agentStateSchema });
export interface RegisterAgentAnswer extends z.infer<typeof registerAgentAnswerSchema> {}

/** `PUT /v1/agents/{agentId}/tools` */
export const registerToolsBodySchema = z.strictObject({ tools: z.array(toolSchema).max(1000) });
export interface RegisterToolsBody extends z.infer<typeof registerToolsBodySchema> {}

/** `POST /v1/agents/{agentId}/ack`: what this client has applied. */
export const ackBodySchema = z.strictObject({
  clientId: idSchema,
  revision: z.int().min(0),
  lockdownIds: z.array(idSchema),
  /** Set when the revision was refused and the last good one stays. */
  refused: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  /** With which the stop orders came: it may be newer than that of the policies. */
  lockdownRevision: z.int().min(0).optional(),
  /** Whether the client acts upon stop orders: in `shadow` and `off` it does not. Default `enforce`. */
  enforceMode: z.enum(["enforce", "shadow", "off"]).optional(),
  /** The client ends, and is not waited for any more. */
  left: z.boolean().optional(),
});
export interface AckBody extends z.infer<typeof ackBodySchema> {}

/** One call for the server to decide. */
export const checkFactsSchema = z.strictObject({
  phase: phaseSchema,
  runId: idSchema,
  sessionId: idSchema.optional(),
  actor: actorSchema.optional(),
  runTags: stringMapSchema.optional(),
  context: jsonObjectSchema.optional(),
  callId: idSchema.optional(),
  tool: z
    .strictObject({ name: z.string(), tags: z.array(z.string()).optional(), kind: z.string().optional() })
    .optional(),
  args: jsonValueSchema.optional(),
  /** A bound was exceeded while the arguments were read: what they say is not known. */
  argsExceeded: z.boolean().optional(),
  result: jsonValueSchema.optional(),
  resultExceeded: z.boolean().optional(),
  error: z.strictObject({ name: z.string().optional(), message: z.string() }).optional(),
  /** How long the call took. */
  durationMs: z.number().min(0).optional(),
  model: modelSchema.optional(),
  /** What goes to the model; in `llm.after` its last message is the response. */
  messages: z.array(messageSchema).optional(),
  /** What the user or the developer wrote, where no model call brings it in `messages`. */
  prompt: z.string().optional(),
  /** The arguments as people may be shown them, where the call is held; absent shows them as they are. */
  shownArgs: jsonValueSchema.optional(),
  /** Labels that the run has from elsewhere, such as from the run that started it. They only grow. */
  labels: z.array(tagSchema).max(64).optional(),
  metrics: metricsSchema.optional(),
  subjects: z.array(subjectSchema).optional(),
  signals: jsonObjectSchema.optional(),
  /**
   * Answers of custom conditions: by name, of a condition with arguments by its name, a line feed and the arguments as canonical JSON (RFC 8785).
   * One that is not there is unknown.
   */
  customs: z.record(z.string(), z.boolean()).optional(),
  /** The client's functions that failed, so that what they would have said is unknown. */
  failed: z.strictObject({ subjects: z.boolean().optional(), signals: z.array(z.string()).optional() }).optional(),
});
export interface CheckFacts extends z.infer<typeof checkFactsSchema> {}

/** `POST /v1/agents/check` */
export const checkBodySchema = z.strictObject({
  agentId: idSchema,
  /** Policy ids to decide by; absent uses all that apply. */
  policies: z.array(idSchema).optional(),
  /** One call, or a batch decided in order. */
  facts: z.union([checkFactsSchema, z.array(checkFactsSchema).min(1).max(256)]),
  /** Brings a held call before a person at once, and takes an answer that there is. Default false: the client does so. */
  hold: z.boolean().optional(),
  /** What a shared window out of reach means to a rule that does not say. Default true: such a rule matches. */
  failClosed: z.boolean().optional(),
  /** `shadow` says what would be done and does none of it. Default `enforce`. */
  enforceMode: z.enum(["enforce", "shadow"]).optional(),
});
export interface CheckBody extends z.infer<typeof checkBodySchema> {}
export const checkAnswerSchema = z.object({ decisions: z.array(decisionSchema) });
export interface CheckAnswer extends z.infer<typeof checkAnswerSchema> {}

/** `POST /v1/agents/{agentId}/metrics/budget` */
export const budgetBodySchema = z.strictObject({
  clientId: idSchema,
  operations: z.array(leaseOperationSchema).min(1).max(256),
});
export interface BudgetBody extends z.infer<typeof budgetBodySchema> {}
/** One answer per operation, in order; a lease that could not be granted has `granted: 0`. */
export const budgetAnswerSchema = z.object({ leases: z.array(leaseSchema) });
export interface BudgetAnswer extends z.infer<typeof budgetAnswerSchema> {}

/** `POST /v1/runs/{runId}/start` */
export const startRunBodySchema = z.strictObject({
  agentId: idSchema,
  sessionId: idSchema.optional(),
  actor: actorSchema.optional(),
  model: modelSchema.optional(),
  tags: stringMapSchema.optional(),
});
export interface StartRunBody extends z.infer<typeof startRunBodySchema> {}

/** `POST /v1/runs/{runId}/end` */
export const endRunBodySchema = z.strictObject({ agentId: idSchema, status: runStatusSchema });
export interface EndRunBody extends z.infer<typeof endRunBodySchema> {}

/** `POST /v1/runs/events`; each event is checked alone, so that a bad one does not fail its batch. */
export const ingestBodySchema = z.strictObject({
  agentId: slugSchema,
  events: z.array(eventEnvelopeSchema).min(1).max(1000),
});
export interface IngestBody extends z.infer<typeof ingestBodySchema> {}
export const ingestResultSchema = z.object({
  eventId: z.string(),
  status: z.enum(["accepted", "duplicate", "rejected", "retry"]),
  code: z.string().optional(),
  message: z.string().optional(),
});
export interface IngestResult extends z.infer<typeof ingestResultSchema> {}
/** What was taken; an answer without this shape is not from a control plane and acknowledges nothing. */
export const ingestAnswerSchema = z.object({
  accepted: z.int().min(0),
  /** Events that were not simply accepted. */
  results: z.array(ingestResultSchema),
  /** The newest revision, so that a busy client learns of changes for nothing. */
  revision: z.int().min(0).optional(),
});
export interface IngestAnswer extends z.infer<typeof ingestAnswerSchema> {}

/** `POST /v1/approvals` and `GET /v1/approvals/{id}` */
export const createApprovalBodySchema = approvalRequestSchema;
export const approvalAnswerBodySchema = z.object({ approval: approvalSchema });
export interface ApprovalAnswerBody extends z.infer<typeof approvalAnswerBodySchema> {}
/** `POST /v1/approvals/{id}/resolve` */
export const resolveApprovalBodySchema = approvalAnswerSchema;

/** `POST /v1/lockdowns` */
export const createLockdownBodySchema = z.strictObject({
  /** Made by the caller, so that an order sent twice is one; absent lets the control plane make it. */
  lockdownId: idSchema.optional(),
  scope: lockdownScopeSchema,
  reason: z.string().max(1024).optional(),
  until: timestampSchema.optional(),
});
export interface CreateLockdownBody extends z.infer<typeof createLockdownBodySchema> {}

/** What the live link sends, one JSON object per server-sent event named by `kind`. */
export const linkMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("state"), state: agentStateSchema }),
  z.object({
    kind: z.literal("lockdowns"),
    revision: z.int().min(0),
    lockdowns: z.array(lockdownSchema),
    /** The control plane's clock, epoch milliseconds. */
    serverTimeMs: z.number().optional(),
  }),
  z.object({ kind: z.literal("approval"), approval: approvalSchema }),
  z.object({ kind: z.literal("lease.recall"), leaseId: idSchema }),
  z.object({ kind: z.literal("heartbeat") }),
]);
export type LinkMessage = z.infer<typeof linkMessageSchema>;

/** An error answer, `application/problem+json`. */
export const problemSchema = z.object({
  type: z.string().optional(),
  title: z.string(),
  status: z.int(),
  /** Stable, `HB_...`. */
  code: z.string(),
  detail: z.string().optional(),
  /** The field of the request that is wrong. */
  field: z.string().optional(),
  /** Everything that is wrong with the request, where more than one thing is. */
  issues: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  /** What a check found in policies that were refused, warnings included. */
  findings: z.array(reportedFindingSchema).optional(),
  /** Names the request in the server's log. */
  requestId: z.string().optional(),
});
export interface Problem extends z.infer<typeof problemSchema> {}
