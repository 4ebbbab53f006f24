import * as z from "zod";
import { actorSchema } from "./actor.ts";
import { runStatusSchema } from "./event.ts";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";
import { stringMapSchema } from "./json.ts";
import { modelSchema } from "./message.ts";

/** `POST /v1/runs/{runId}/start` answers with what stops the run, for clients that hold no state of their own. */
export const startRunAnswerSchema = z.object({
  lockdown: z.object({
    /** A stop order covers the run. */
    active: z.boolean(),
    reason: z.string().optional(),
    /** Epoch milliseconds at which it lifts; `null` where a person lifts it. */
    until_ts: z.number().nullable().optional(),
  }),
});
export interface StartRunAnswer extends z.infer<typeof startRunAnswerSchema> {}

/** A run as the control plane knows it. */
export const runRecordSchema = z.object({
  runId: idSchema,
  /** The agent's slug. */
  agent: slugSchema,
  sessionId: idSchema.optional(),
  actor: actorSchema.optional(),
  model: modelSchema.optional(),
  tags: stringMapSchema,
  startedAt: timestampSchema,
  endedAt: timestampSchema.optional(),
  /** Absent while it is open. */
  status: runStatusSchema.optional(),
  eventCount: z.int().min(0),
  decisionCount: z.int().min(0),
  blockCount: z.int().min(0),
  /** Events that its client says it lost. */
  droppedCount: z.int().min(0),
  lastEventAt: timestampSchema.optional(),
});
export interface RunRecord extends z.infer<typeof runRecordSchema> {}

/** `GET /v1/runs` */
export const runsQuerySchema = z.strictObject({
  /** The agent's slug. */
  agent: slugSchema.optional(),
  session: idSchema.optional(),
  /** The actor's `externalId`. */
  actor: idSchema.optional(),
  status: z.enum([...runStatusSchema.options, "open"]).optional(),
  /** `true`: only runs of which events are missing without an explanation. */
  gap: z.enum(["true", "false"]).optional(),
  /** Started at or after. */
  since: timestampSchema.optional(),
  /** Started before. */
  until: timestampSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().max(1024).optional(),
});
export interface RunsQuery extends z.infer<typeof runsQuerySchema> {}

/** One page of runs, newest first. */
export const runListSchema = z.object({ runs: z.array(runRecordSchema), nextCursor: z.string().optional() });
export interface RunList extends z.infer<typeof runListSchema> {}

/** `GET /v1/runs/{runId}` */
export const runAnswerSchema = z.object({
  run: runRecordSchema,
  /** Sequence numbers that are neither stored nor explained by an `events.dropped`; both ends are included. At most 1,000. */
  gaps: z.array(z.object({ from: z.int().min(0), to: z.int().min(0) })),
});
export interface RunAnswer extends z.infer<typeof runAnswerSchema> {}
