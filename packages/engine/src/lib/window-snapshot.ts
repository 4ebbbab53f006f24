import {
  WINDOW_AMOUNT_COUNT_MAX,
  WINDOW_BUCKET_COUNT,
  WINDOW_KEY_LENGTH_MAX,
  WINDOW_RESERVATION_COUNT_MAX,
  WINDOW_TIMESTAMP_COUNT_MAX,
  WINDOW_TIMESTAMP_SLACK_COUNT,
} from "./limits.ts";
import type { WindowSnapshot } from "./window.ts";
import type { WindowLogSnapshot } from "./window-log.ts";
import type { BucketRow } from "./window-ring.ts";
import type { WindowStoreSnapshot } from "./window-store.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Whether `value` is what `WindowStore.snapshot` gives: it may come from a file or another process. */
export function isWindowStoreSnapshot(value: unknown): value is WindowStoreSnapshot {
  if (!isFields(value) || !Array.isArray(value.windows) || !isTimeOrForever(value.lostUntilMs)) return false;
  return value.windows.every(
    (entry: unknown) => isFields(entry) && isKey(entry.key) && isFields(entry.window) && isWindow(entry.window),
  );
}

function isWindow(window: Fields): window is Fields & WindowSnapshot {
  const { windowMs, totals, log, reserved } = window;
  if (!isTimeOrForever(window.unknownUntilMs)) return false;
  if (reserved !== undefined && !isListOf(reserved, WINDOW_RESERVATION_COUNT_MAX, isReservation)) return false;
  if (windowMs === undefined) return log === undefined && (totals === undefined || isNumbers(totals, 4));
  const isSpan = isNumber(windowMs) && windowMs > 0;
  return isSpan && totals === undefined && isFields(log) && isLog(log);
}

function isLog(log: Fields): log is Fields & WindowLogSnapshot {
  const { times, amounts, rows, droppedAtMs } = log;
  const countMax = WINDOW_TIMESTAMP_COUNT_MAX + WINDOW_TIMESTAMP_SLACK_COUNT;
  if (!isListOf(times, countMax, isNumber) || !isAscending(times)) return false;
  if (droppedAtMs !== undefined && !isNumber(droppedAtMs)) return false;
  if (rows !== undefined) {
    return amounts === undefined && isListOf(rows, WINDOW_BUCKET_COUNT + 1, isBucketRow);
  }
  return isListOf(amounts, WINDOW_AMOUNT_COUNT_MAX, isNumber) && amounts.length === times.length;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isKey(value: unknown): value is string {
  return typeof value === "string" && value.length <= WINDOW_KEY_LENGTH_MAX;
}

function isReservation(value: unknown): value is readonly [string, number] {
  return Array.isArray(value) && value.length === 2 && isKey(value[0]) && isNumber(value[1]) && value[1] >= 0;
}

function isTimeOrForever(value: unknown): boolean {
  return value === undefined || value === null || isNumber(value);
}

function isBucketRow(value: unknown): value is BucketRow {
  return isNumbers(value, 6) && Number.isInteger(value[0]) && Number.isInteger(value[1]) && (value[1] ?? 0) > 0;
}

function isNumbers(value: unknown, count: number): value is readonly number[] {
  return Array.isArray(value) && value.length === count && value.every(isNumber);
}

function isListOf<T>(value: unknown, countMax: number, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.length <= countMax && value.every(is);
}

function isAscending(times: readonly number[]): boolean {
  return times.every((time, index) => index === 0 || (times[index - 1] ?? 0) <= time);
}
