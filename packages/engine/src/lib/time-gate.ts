import { type TimeWindow, WEEKDAYS } from "@handlebar/protocol";
import { TIME_WINDOW_COUNT_MAX } from "./limits.ts";
import type { TimeZones } from "./time-zone.ts";

const DAY_MINUTES = 1_440;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const MINUTE_MS = 60_000;
/** 1 January 1970 was a Thursday: three days after Monday. */
const EPOCH_MINUTE_OF_WEEK = 3 * DAY_MINUTES;

export interface TimeGate {
  /** Minutes of a week that are inside: 0 means never, 10,080 always. */
  readonly minutesPerWeek: number;
  /** Whether the wall clock of `zone` is inside at `epochMs`; `undefined` (unknown) for an unknown zone or time. */
  isInside(zone: string, epochMs: number): boolean | undefined;
}

/**
 * Compiles windows into spans of the week. No windows: never inside.
 *
 * @throws Error that names the bad day or time.
 */
export function compileTimeGate(windows: readonly TimeWindow[], zones: TimeZones): TimeGate {
  if (windows.length > TIME_WINDOW_COUNT_MAX) {
    throw new Error(`time gate has ${windows.length} windows; use at most ${TIME_WINDOW_COUNT_MAX}`);
  }
  const isOpen = new Uint8Array(WEEK_MINUTES);
  for (const window of windows) mark(isOpen, window);
  const spans = toSpans(isOpen);
  let minutesPerWeek = 0;
  for (let index = 0; index < spans.length; index += 2) minutesPerWeek += (spans[index + 1] ?? 0) - (spans[index] ?? 0);
  return {
    minutesPerWeek,
    isInside(zone, epochMs) {
      const offsetMinutes = zones.offsetMinutes(zone, epochMs);
      if (offsetMinutes === undefined) return undefined;
      const localMinute = Math.floor(epochMs / MINUTE_MS + offsetMinutes) + EPOCH_MINUTE_OF_WEEK;
      return isWithin(spans, ((localMinute % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES);
    },
  };
}

/** As `compileTimeGate(windows, zones).isInside(zone, epochMs)`, for one use. */
export function inTimeWindows(
  windows: readonly TimeWindow[],
  zone: string,
  options: { readonly epochMs: number; readonly zones: TimeZones },
): boolean | undefined {
  return compileTimeGate(windows, options.zones).isInside(zone, options.epochMs);
}

function mark(isOpen: Uint8Array, window: TimeWindow): void {
  const start = parseMinute(window.start, DAY_MINUTES - 1);
  const end = parseMinute(window.end, DAY_MINUTES);
  const from = start === end ? 0 : start;
  const length = start === end ? DAY_MINUTES : end - start + (end < start ? DAY_MINUTES : 0);
  for (const day of window.days) {
    const index = WEEKDAYS.indexOf(day);
    if (index < 0) throw new Error(`unknown day \`${String(day)}\`; use ${WEEKDAYS.join(", ")}`);
    const first = index * DAY_MINUTES + from;
    for (let minute = first; minute < first + length; minute += 1) isOpen[minute % WEEK_MINUTES] = 1;
  }
}

function parseMinute(text: string, minuteMax: number): number {
  const match = /^(\d\d):([0-5]\d)$/.exec(text);
  const minute = match === null ? Number.NaN : Number(match[1]) * 60 + Number(match[2]);
  if (!(minute <= minuteMax)) throw new Error(`bad time \`${text}\`; use \`HH:MM\` on a 24-hour clock`);
  return minute;
}

/** Starts and ends (exclusive) by turns, ascending. */
function toSpans(isOpen: Uint8Array): readonly number[] {
  const spans: number[] = [];
  for (let minute = 0; minute <= WEEK_MINUTES; minute += 1) {
    const isNow = minute < WEEK_MINUTES && isOpen[minute] === 1;
    const wasBefore = spans.length % 2 === 1;
    if (isNow !== wasBefore) spans.push(minute);
  }
  return spans;
}

function isWithin(spans: readonly number[], minute: number): boolean {
  let passed = 0;
  while (passed < spans.length && minute >= (spans[passed] ?? 0)) passed += 1;
  return passed % 2 === 1;
}
