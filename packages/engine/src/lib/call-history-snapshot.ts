import type { CallTime, ToolRecord } from "./call-history.ts";
import { HISTORY_PENDING_COUNT_MAX, HISTORY_TEXT_LENGTH_MAX, HISTORY_TOOL_COUNT_MAX } from "./limits.ts";

/** What a snapshot of a history says. */
export interface ParsedHistory {
  readonly records: readonly ToolRecord[];
  readonly pending: readonly { readonly callId: string; readonly record: ToolRecord; readonly atMs: number }[];
  readonly lostAtMs: number | undefined;
}

/** Reads what `CallHistory.snapshot` gives, which may come from a file or another process; `undefined` for anything else. */
export function parseHistory(snapshot: unknown): ParsedHistory | undefined {
  if (!isFields(snapshot) || !Array.isArray(snapshot.tools) || !Array.isArray(snapshot.pending)) return undefined;
  if (snapshot.tools.length > HISTORY_TOOL_COUNT_MAX || snapshot.pending.length > HISTORY_PENDING_COUNT_MAX) {
    return undefined;
  }
  const records: ToolRecord[] = [];
  for (const entry of snapshot.tools) {
    const record = parseRecord(entry);
    if (record === undefined) return undefined;
    records.push(record);
  }
  const pending: ParsedHistory["pending"][number][] = [];
  for (const entry of snapshot.pending) {
    if (!Array.isArray(entry) || entry.length !== 3) return undefined;
    const [callId, index, atMs]: readonly unknown[] = entry;
    const record = typeof index === "number" ? records[index] : undefined;
    if (record === undefined || !isText(callId) || !isTime(atMs)) return undefined;
    pending.push({ callId, record, atMs });
  }
  const { lostAtMs } = snapshot;
  if (lostAtMs !== undefined && !isTime(lostAtMs)) return undefined;
  return { records, pending, lostAtMs };
}

function parseRecord(entry: unknown): ToolRecord | undefined {
  if (!isFields(entry)) return undefined;
  const { name, tags, any, success, error, hasLostOutcome } = entry;
  if (!isText(name) || !Array.isArray(tags) || !tags.every(isText)) return undefined;
  if (!isLatest(any) || !isLatest(success) || !isLatest(error)) return undefined;
  if (hasLostOutcome !== undefined && typeof hasLostOutcome !== "boolean") return undefined;
  return { name, tags: [...tags], any, success, error, hasLostOutcome: hasLostOutcome === true };
}

function isLatest(value: unknown): value is readonly CallTime[] {
  return Array.isArray(value) && value.length <= 2 && value.every(isCallTime);
}

function isCallTime(value: unknown): value is CallTime {
  return Array.isArray(value) && value.length === 2 && isText(value[0]) && isTime(value[1]);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= HISTORY_TEXT_LENGTH_MAX;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
