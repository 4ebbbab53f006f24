import type { JsonObject, JsonValue } from "@handlebar/protocol";
import { parseHistory } from "./call-history-snapshot.ts";
import type { ToolFacts } from "./facts.ts";
import { HISTORY_PENDING_COUNT_MAX, HISTORY_TEXT_LENGTH_MAX, HISTORY_TOOL_COUNT_MAX } from "./limits.ts";
import { FALSE, type Outcome, TRUE, UNKNOWN_OUTCOME } from "./outcome.ts";

/** Which earlier calls a sequence asks about. */
export interface CallQuestion {
  readonly matches: (tool: ToolFacts) => boolean;
  /** Absent takes calls that were let through, whatever came of them. */
  readonly outcome: "success" | "error" | undefined;
  /** Decided at most this long ago. */
  readonly withinMs: number | undefined;
}

/** A call and when it was decided, epoch milliseconds. */
export type CallTime = readonly [callId: string, atMs: number];

/** The two latest calls of some kind, later first: enough to know the latest one that is not a given one. */
export type LatestCalls = readonly CallTime[];

/** What is remembered of one tool, however often it was called. */
export interface ToolRecord {
  readonly name: string;
  readonly tags: readonly string[];
  any: LatestCalls;
  success: LatestCalls;
  error: LatestCalls;
  /** The outcome of some call of it is not known and will not be. */
  hasLostOutcome: boolean;
}

interface PendingCall {
  readonly record: ToolRecord;
  readonly atMs: number;
}

/**
 * The tool calls of one run that were let through, as far as `sequence` can ask about them. A question is about whether
 * some call of a tool was late enough, so per tool the latest calls say all there is to say: the history is exact however
 * long the run is, and bounded by the number of different tools. Past that bound, what is not found is unknown.
 */
export class CallHistory {
  readonly #records = new Map<string, ToolRecord>();
  readonly #pending = new Map<string, PendingCall>();
  /** The latest call that there was no room for. */
  #lostAtMs = Number.NEGATIVE_INFINITY;

  /** Notes a call that was let through. */
  note(callId: string, tool: ToolFacts, atMs: number): void {
    const record = this.#recordOf(tool);
    if (record === undefined || callId.length > HISTORY_TEXT_LENGTH_MAX) {
      this.#lostAtMs = Math.max(this.#lostAtMs, atMs);
      return;
    }
    record.any = withCall(record.any, [callId, atMs]);
    this.#pending.delete(callId);
    this.#pending.set(callId, { record, atMs });
    if (this.#pending.size > HISTORY_PENDING_COUNT_MAX) this.#dropOldestPending();
  }

  /** Notes how a call ended; one that was not noted before is noted now. */
  settle(callId: string, tool: ToolFacts, end: { readonly outcome: "success" | "error"; readonly atMs: number }): void {
    if (!this.#pending.has(callId)) this.note(callId, tool, end.atMs);
    const pending = this.#pending.get(callId);
    if (pending === undefined) return;
    this.#pending.delete(callId);
    const { record, atMs } = pending;
    if (end.outcome === "success") record.success = withCall(record.success, [callId, atMs]);
    else record.error = withCall(record.error, [callId, atMs]);
  }

  /** Whether such a call was let through before now, the call `exceptCallId` left aside. */
  wasCalled(
    question: CallQuestion,
    at: { readonly nowMs: number; readonly exceptCallId: string | undefined },
  ): Outcome {
    const { matches, outcome, withinMs } = question;
    const sinceMs = withinMs === undefined ? Number.NEGATIVE_INFINITY : at.nowMs - withinMs;
    let isUnknown = this.#lostAtMs > Number.NEGATIVE_INFINITY && this.#lostAtMs >= sinceMs;
    for (const record of this.#records.values()) {
      if (!matches(record)) continue;
      const latest = outcome === undefined ? record.any : record[outcome];
      const call = latest.find(([callId]) => callId !== at.exceptCallId);
      if (call !== undefined && call[1] >= sinceMs) return TRUE;
      if (outcome !== undefined && record.hasLostOutcome) isUnknown = true;
    }
    return isUnknown ? UNKNOWN_OUTCOME : FALSE;
  }

  snapshot(): JsonObject {
    const records = [...this.#records.values()];
    const tools: JsonValue = records.map((record) => ({
      name: record.name,
      tags: record.tags,
      any: record.any,
      success: record.success,
      error: record.error,
      ...(record.hasLostOutcome ? { hasLostOutcome: true } : {}),
    }));
    const pending: JsonValue = [...this.#pending].map(([callId, call]) => [
      callId,
      records.indexOf(call.record),
      call.atMs,
    ]);
    return { tools, pending, ...(this.#lostAtMs === Number.NEGATIVE_INFINITY ? {} : { lostAtMs: this.#lostAtMs }) };
  }

  /** The history of a snapshot, which may come from outside; `undefined` when it is none. */
  static restore(snapshot: unknown): CallHistory | undefined {
    const parsed = parseHistory(snapshot);
    if (parsed === undefined) return undefined;
    const history = new CallHistory();
    for (const record of parsed.records) history.#records.set(keyOf(record), record);
    for (const { callId, record, atMs } of parsed.pending) history.#pending.set(callId, { record, atMs });
    history.#lostAtMs = parsed.lostAtMs ?? Number.NEGATIVE_INFINITY;
    return history;
  }

  #recordOf(tool: ToolFacts): ToolRecord | undefined {
    const key = keyOf(tool);
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    if (key.length > HISTORY_TEXT_LENGTH_MAX || this.#records.size >= HISTORY_TOOL_COUNT_MAX) return undefined;
    const { name, tags } = tool;
    const record: ToolRecord = { name, tags: [...tags], any: [], success: [], error: [], hasLostOutcome: false };
    this.#records.set(key, record);
    return record;
  }

  #dropOldestPending(): void {
    const oldest = this.#pending.entries().next().value;
    if (oldest === undefined) return;
    oldest[1].record.hasLostOutcome = true;
    this.#pending.delete(oldest[0]);
  }
}

/** Tags are set by whoever registered the tool, so the same name with other tags is another tool. */
function keyOf(tool: { readonly name: string; readonly tags: readonly string[] }): string {
  return tool.tags.length === 0 ? tool.name : `${tool.name}\n${tool.tags.join("\n")}`;
}

function withCall(latest: LatestCalls, call: CallTime): LatestCalls {
  const others = latest.filter(([callId]) => callId !== call[0]);
  const [first, second] = others;
  if (first === undefined) return [call];
  if (call[1] >= first[1]) return [call, first];
  return second !== undefined && second[1] > call[1] ? [first, second] : [first, call];
}
