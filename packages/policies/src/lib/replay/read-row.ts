import { toPlain } from "@handlebar/engine";
import { actorSchema, EVENT_SCHEMA, jsonObjectSchema, metricsSchema, stringMapSchema } from "@handlebar/protocol";
import { readEvent } from "./read-event.ts";
import { type RowReading, wrongRow } from "./row-reading.ts";
import type { TrafficCall, TrafficResult, TrafficStart } from "./traffic.ts";

/** UTF-16 code units of the ids that a row is read with, as those of audit events. */
const ID_LENGTH_MAX = 256;

/**
 * Reads one row of recorded traffic: an audit event, or a plain row with `run_id`, `tool`, `args` and, where they are known,
 * `step`, `result`, `error`, `prompt`, `ts` (ISO 8601, or epoch milliseconds), `agent`, `actor`, `session_id`, `tags` (the
 * tool's), `run_tags`, `context`, `metrics`. No other field is read. Never throws.
 *
 * @param rowNumber tells calls without `step` apart.
 */
export function readTrafficRow(row: unknown, rowNumber: number = 0): RowReading {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return wrongRow("is not an object");
  const fields: Fields = { ...row };
  try {
    return fields["schema"] === EVENT_SCHEMA ? readEvent(fields) : readPlainRow(fields, rowNumber);
  } catch {
    // Schemas recurse into values: what is nested more deeply than the stack is reaches this.
    return wrongRow("is nested too deeply");
  }
}

type Fields = Readonly<Record<string, unknown>>;

function readPlainRow(row: Fields, rowNumber: number): RowReading {
  const runId = row["run_id"];
  const tool = row["tool"];
  if (typeof runId !== "string" || runId === "") return wrongRow("`run_id` must be text");
  if (runId.length > ID_LENGTH_MAX) return wrongRow(`\`run_id\` must have at most ${ID_LENGTH_MAX} characters`);
  if (typeof tool !== "string" || tool === "") return wrongRow("`tool` must be text");
  if (tool.length > ID_LENGTH_MAX) return wrongRow(`\`tool\` must have at most ${ID_LENGTH_MAX} characters`);
  const atMs = readTime(row["ts"]);
  if (Number.isNaN(atMs)) return wrongRow("`ts` must be an ISO 8601 time or epoch milliseconds");
  const step = typeof row["step"] === "number" || typeof row["step"] === "string" ? row["step"] : undefined;
  const about = {
    runId,
    atMs,
    tool,
    tags: Array.isArray(row["tags"]) ? row["tags"].filter((tag) => typeof tag === "string") : [],
    // Rows have no call ids, and a step may be named twice: the number of the row tells them apart.
    callId: `row ${rowNumber}`,
  };
  const args = toPlain(row["args"] ?? {});
  const isExceeded = args.notes.exceeded;
  const call: TrafficCall = { kind: "call", ...about, step, args: args.value, isExceeded, isIncomplete: false };
  const prompt = row["prompt"];
  return {
    ok: true,
    steps: [
      startOf(row, { runId, atMs }),
      ...(typeof prompt === "string" ? [{ kind: "prompt" as const, runId, atMs, text: prompt }] : []),
      call,
      resultOf(row, about),
    ],
  };
}

function resultOf(
  row: Fields,
  about: Pick<TrafficResult, "runId" | "atMs" | "tool" | "tags" | "callId">,
): TrafficResult {
  const result = row["result"] === undefined ? undefined : toPlain(row["result"]);
  return {
    kind: "result",
    ...about,
    result: result?.value,
    isExceeded: result?.notes.exceeded === true,
    isIncomplete: false,
    error: readError(row["error"]),
    metrics: read(metricsSchema, row["metrics"]),
  };
}

function startOf(row: Fields, at: Pick<TrafficStart, "runId" | "atMs">): TrafficStart {
  const actor = row["actor"];
  return {
    kind: "start",
    isImplied: true,
    ...at,
    agent: typeof row["agent"] === "string" ? { slug: row["agent"] } : undefined,
    actor: read(actorSchema, typeof actor === "string" ? { externalId: actor } : actor),
    sessionId: typeof row["session_id"] === "string" ? row["session_id"] : undefined,
    tags: read(stringMapSchema, row["run_tags"]),
    context: read(jsonObjectSchema, row["context"]),
  };
}

/** `NaN` for what is no time. */
function readTime(ts: unknown): number | undefined {
  if (ts === undefined || ts === null) return undefined;
  return typeof ts === "string" || typeof ts === "number" ? new Date(ts).getTime() : Number.NaN;
}

/** What is asked of a schema here. */
interface Readable<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

function read<T>(schema: Readable<T>, value: unknown): T | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

function readError(error: unknown): { readonly message: string } | undefined {
  if (typeof error === "string" && error !== "") return { message: error };
  if (typeof error !== "object" || error === null) return undefined;
  const message = "message" in error ? error.message : undefined;
  return { message: typeof message === "string" ? message : (JSON.stringify(toPlain(error).value) ?? "") };
}
