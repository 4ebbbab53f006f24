import * as z from "zod";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";
import { policySchema } from "./policy.ts";
import { toolSchema } from "./tool.ts";

const count = z.int().min(0);
const mode = z.enum(["enforce", "shadow"]);

/** `POST /v1/policies/replay`: decides what was recorded again, by other policies. */
export const replayPoliciesBodySchema = z.strictObject({
  /** The candidates; with none, the policies in force are replayed. */
  policies: z.array(policySchema).max(1000),
  /** Decides by them alone, and not together with the policies in force, of which they replace those with their ids. Default false. */
  alone: z.boolean().optional(),
  /** Events at or after it, by the time in their ids. */
  since: timestampSchema,
  /** Events before it. Default: now. */
  until: timestampSchema.optional(),
  /**
   * How much of what was recorded before `since` is read, and remembered but not counted, so that counters and windows are what they were. Default:
   * the longest window of the policies, at most a day.
   */
  leadInSeconds: z
    .int()
    .min(0)
    .max(31 * 86_400)
    .optional(),
  /** Events of this agent alone, by its slug. */
  agent: slugSchema.optional(),
  /** Events of this actor alone, by its `externalId`. */
  actor: idSchema.optional(),
  /** Events of this session alone. */
  session: idSchema.optional(),
  /** Tags and classification of tools, beside the tags recorded with the calls. */
  tools: z.array(toolSchema).max(1000).optional(),
  /** Decides as a client with `failClosed` does. Default false. */
  failClosed: z.boolean().optional(),
});
export interface ReplayPoliciesBody extends z.infer<typeof replayPoliciesBodySchema> {}

const tally = { blocked: count, held: count, redacted: count, terminated: count };
const answers = z.object({ allowed: count, held: count, blocked: count, terminated: count });
const example = z.object({
  runId: z.string(),
  callId: z.string(),
  /** Its place in the run, where that was recorded. */
  step: z.union([z.number(), z.string()]).optional(),
  /** `model` for a model call. */
  tool: z.string(),
  /** As JSON, cut to 200 characters. */
  args: z.string(),
});

/** What a replay found. */
export const replayReportSchema = z.object({
  /** Events that were decided again or remembered. */
  rows: count,
  /** Events that could not be read, by why. */
  skipped: z.record(z.string(), count),
  runs: count,
  /** Runs whose memory was given up before their end, since too many were open; what came later of them began anew. */
  forgottenRuns: count,
  /** Tool calls that were decided again. */
  calls: count,
  modelCalls: count,
  /** Tool calls by what would have become of them; `terminated` are those among them that would have ended their run. */
  answers,
  /** The same if the policies in shadow were enforced too. */
  answersWithShadow: answers,
  /** Tool calls that were let through and would not be (`stricter`), and that were blocked and would be let through (`milder`). */
  changed: z.object({
    stricter: count,
    milder: count,
    examples: z.array(
      example.extend({ recorded: z.enum(["allowed", "blocked"]), now: z.enum(["allowed", "held", "blocked"]) }),
    ),
  }),
  policies: z.array(z.object({ policyId: z.string(), mode, ...tally })),
  /** Every rule, the busiest first. With `asked` 0, the agents or tags that it is for are not in the record. */
  rules: z.array(
    z.object({
      policyId: z.string(),
      ruleId: z.string(),
      mode,
      asked: count,
      ...tally,
      examples: z.array(example),
    }),
  ),
  /** What makes the replay differ from what a client would have decided. */
  gaps: z.object({
    /** Events that were lost before they were recorded. */
    lostEvents: count,
    /** Calls, results and messages that were recorded with something masked, cut or left out. */
    incomplete: count,
    /** Runs whose beginning is not in the record. */
    cutRuns: count,
    /** What rules asked for and no record has, such as `signal risk`. */
    missing: z.array(z.string()),
  }),
});
export interface ReplayReportAnswer extends z.infer<typeof replayReportSchema> {}

/** The answer to `POST /v1/policies/replay`, or the last message of its stream. */
export const replayAnswerSchema = z.object({
  since: timestampSchema,
  until: timestampSchema,
  /** Events that were read before `since`. */
  leadInEvents: count,
  report: replayReportSchema,
});
export interface ReplayAnswer extends z.infer<typeof replayAnswerSchema> {}

/** What the stream of `POST /v1/policies/replay` sends, one JSON object per server-sent event named by `kind`. */
export const replayMessageSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("progress"),
    /** Events that were read so far, those of the lead-in among them. */
    events: count,
    /** The time of the last one. */
    through: timestampSchema.optional(),
    /** How much of the time from the lead-in to the end that is, from 0 to 1. */
    share: z.number().min(0).max(1),
  }),
  z.object({ kind: z.literal("report"), ...replayAnswerSchema.shape }),
  /** It ended without a report. */
  z.object({ kind: z.literal("failed"), code: z.string(), message: z.string() }),
]);
export type ReplayMessage = z.infer<typeof replayMessageSchema>;
