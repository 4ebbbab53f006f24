import * as z from "zod";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";

/** Where a client stands to the newest policies. */
export const ackStandingSchema = z.enum(["current", "behind", "refused", "silent"]);
export type AckStanding = z.infer<typeof ackStandingSchema>;

/** One client, and which policies it has. */
export const ackClientSchema = z.object({
  clientId: idSchema,
  agent: slugSchema,
  /**
   * `current`: it has them. `behind`: it was heard from within the last 15 minutes and does not have them yet. `refused`: it could not take them and
   * keeps the last ones that it could. `silent`: not heard from for longer and without them; it ended without a word, or is cut off.
   */
  standing: ackStandingSchema,
  /** The revision that it has; 0 when it has not said. */
  revision: z.int().min(0),
  /** Why it refused. */
  refused: z.object({ code: z.string(), message: z.string() }).optional(),
  /** Whether it acts upon policies at all. */
  enforceMode: z.enum(["enforce", "shadow", "off"]),
  /** When it last said what it has; absent when it never did. */
  ackedAt: timestampSchema.optional(),
  /** When it was last heard from; exact to about a minute. */
  seenAt: timestampSchema,
});
export interface AckClient extends z.infer<typeof ackClientSchema> {}

/**
 * `GET /v1/acks`: which clients have the newest policies; `GET /v1/policies/{policyId}/acks`: the newest version of one, of those that it is for.
 * Lockdowns have acknowledgements of their own.
 */
export const acksAnswerSchema = z.object({
  /** The revision with which policies last changed, or the one policy: a client with this one or a later one has them. */
  revision: z.int().min(0),
  /** Clients heard from within the last day that did not say goodbye, by where they stand. */
  counts: z.object({
    current: z.int().min(0),
    behind: z.int().min(0),
    refused: z.int().min(0),
    silent: z.int().min(0),
  }),
  /** Of those that are current, the ones that do not act upon policies: they run with `enforceMode` `shadow` or `off`. */
  unenforcedCount: z.int().min(0),
  /** Those that refused first, then those that are behind, then the silent ones, then those that have them; at most 100. */
  clients: z.array(ackClientSchema),
});
export interface AcksAnswer extends z.infer<typeof acksAnswerSchema> {}
