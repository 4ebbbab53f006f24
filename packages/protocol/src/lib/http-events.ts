import * as z from "zod";
import { causeSchema, verdictSchema } from "./decision.ts";
import { EVENT_SCHEMA, type EventKind, eventDataSchemas } from "./event.ts";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";

/**
 * `POST /v1/runs/events` as a control plane takes it: each event is read on its own, so that a bad one is answered alone. What a good one looks
 * like is `ingestBodySchema`.
 */
export const ingestRequestSchema = z.strictObject({
  agentId: slugSchema,
  events: z.array(z.unknown().describe("an audit event, as `event.schema.json` has it")).min(1).max(1000),
});
export interface IngestRequest extends z.infer<typeof ingestRequestSchema> {}

/** A stored event. One of a client of the first protocol has the sequence number -1: it gave none. */
export const storedEventSchema = z.looseObject({
  schema: z.literal(EVENT_SCHEMA),
  eventId: z.string(),
  seq: z.int().min(-1),
  ts: timestampSchema,
  /** The agent's slug. */
  agentId: idSchema,
  runId: idSchema,
  sessionId: idSchema.optional(),
  kind: z.string(),
  data: z.unknown(),
});
export interface StoredEvent extends z.infer<typeof storedEventSchema> {}

// The table has one entry per kind and no other.
const kinds = Object.keys(eventDataSchemas) as [EventKind, ...EventKind[]];

/** Which events `GET /v1/events` and `GET /v1/events/tail` are about; every field given must hold. */
export const eventFilterSchema = z.strictObject({
  run: idSchema.optional(),
  session: idSchema.optional(),
  /** The agent's slug. */
  agent: slugSchema.optional(),
  /** The actor's `externalId`. */
  actor: idSchema.optional(),
  /** One kind, or several with commas between them. */
  kind: z
    .string()
    .max(1024)
    .regex(
      new RegExp(`^(?:${kinds.join("|").replaceAll(".", "\\.")})(?:,(?:${kinds.join("|").replaceAll(".", "\\.")}))*$`),
      {
        error: `use ${kinds.map((kind) => `\`${kind}\``).join(", ")}, with commas between several`,
      },
    )
    .optional(),
  tool: z.string().min(1).max(256).optional(),
  verdict: verdictSchema.optional(),
  /** The kind of a decision's cause, such as `HITL_PENDING`. */
  cause: z.enum(causeSchema.options.map((option) => option.shape.kind.value)).optional(),
  /** The id of the rule that decided. */
  rule: idSchema.optional(),
});
export interface EventFilterQuery extends z.infer<typeof eventFilterSchema> {}

const page = {
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().max(1024).optional(),
};

/** `GET /v1/events` */
export const eventsQuerySchema = z.strictObject({
  ...eventFilterSchema.shape,
  /** Text inside the event, whatever the case of its letters; needs `since`. */
  text: z.string().min(1).max(256).optional(),
  /** At or after. */
  since: timestampSchema.optional(),
  /** Before. */
  until: timestampSchema.optional(),
  ...page,
});
export interface EventsQuery extends z.infer<typeof eventsQuerySchema> {}

/** `GET /v1/runs/{runId}/events`, in the order of the run. */
export const runEventsQuerySchema = z.strictObject(page);
export interface RunEventsQuery extends z.infer<typeof runEventsQuerySchema> {}

/** One page of events. */
export const eventListSchema = z.object({
  events: z.array(storedEventSchema),
  /** Where the next page starts; absent after the last one. */
  nextCursor: z.string().optional(),
});
export interface EventList extends z.infer<typeof eventListSchema> {}

/** `GET /v1/events/{eventId}` */
export const eventAnswerSchema = z.object({ event: storedEventSchema });
export interface EventAnswer extends z.infer<typeof eventAnswerSchema> {}

/** What the stream of `GET /v1/events/tail` sends, one JSON object per server-sent event named by `kind`. */
export const tailMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("event"), event: storedEventSchema }),
  z.object({ kind: z.literal("heartbeat") }),
]);
export type TailMessage = z.infer<typeof tailMessageSchema>;

/** `GET /v1/stats` */
export const statsQuerySchema = z.strictObject({
  since: timestampSchema,
  /** Default: now. */
  until: timestampSchema.optional(),
  /** Length of one bucket. Default: the range in at most 100 buckets. */
  bucketSeconds: z.coerce
    .number()
    .int()
    .min(1)
    .max(366 * 86_400)
    .optional(),
  agent: slugSchema.optional(),
});
export interface StatsQuery extends z.infer<typeof statsQuerySchema> {}

/** Counts for one stretch of time. */
export const statsBucketSchema = z.object({
  start: timestampSchema,
  /** Runs that started in it. */
  runs: z.int().min(0),
  events: z.int().min(0),
  decisions: z.int().min(0),
  blocks: z.int().min(0),
  /** Calls that were held for a person. */
  held: z.int().min(0),
});
export interface StatsBucketAnswer extends z.infer<typeof statsBucketSchema> {}
export const statsAnswerSchema = z.object({
  since: timestampSchema,
  until: timestampSchema,
  bucketSeconds: z.int().positive(),
  /** Oldest first; stretches in which nothing happened are left out. */
  buckets: z.array(statsBucketSchema),
});
export interface StatsAnswer extends z.infer<typeof statsAnswerSchema> {}
