import type { TimeZones } from "../time-zone.ts";
import { toDuration, toTimestamp } from "./arithmetic.ts";
import { type CelValue, type Duration, ExprError, noOverload, type Timestamp } from "./values.ts";

const NANOS_PER_MS = 1_000_000n;
const UNIT_NANOS: Readonly<Record<string, number>> = {
  h: 3_600e9,
  m: 60e9,
  s: 1e9,
  ms: 1e6,
  us: 1e3,
  µs: 1e3,
  ns: 1,
};

/** Reads `1h30m`, `-1.5s` and the like. */
export function parseDuration(text: string): Duration | ExprError {
  const match = /^([+-]?)((?:\d{1,20}(?:\.\d{1,20})?(?:h|ms|us|µs|ns|m|s)){1,16})$/.exec(text);
  if (match === null) return text === "0" ? toDuration(0n) : new ExprError("not a duration");
  let nanos = 0n;
  for (const [, whole, fraction, unit] of (match[2] ?? "").matchAll(/(\d+)(?:\.(\d+))?(h|ms|us|µs|ns|m|s)/g)) {
    const scale = UNIT_NANOS[unit ?? ""] ?? 0;
    nanos += BigInt(whole ?? "0") * BigInt(scale);
    if (fraction !== undefined) nanos += BigInt(Math.trunc(Number(`0.${fraction}`) * scale));
  }
  return toDuration(match[1] === "-" ? -nanos : nanos);
}

/** Reads an RFC 3339 instant, with up to nine digits of a second's fraction. */
export function parseTimestamp(text: string): Timestamp | ExprError {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return new ExprError("not a timestamp");
  const ms = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(ms)) return new ExprError("not a timestamp");
  return toTimestamp(BigInt(ms) * NANOS_PER_MS + BigInt((match[2] ?? "").padEnd(9, "0")));
}

export function printTimestamp(time: Timestamp): string {
  const { ms, rest } = split(time);
  const base = new Date(Number(ms)).toISOString().slice(0, 19);
  const fraction = (((ms % 1000n) + 1000n) % 1000n) * NANOS_PER_MS + rest;
  return `${base}${fraction === 0n ? "" : `.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`}Z`;
}

export function printDuration(duration: Duration): string {
  const negative = duration.nanos < 0n;
  const nanos = negative ? -duration.nanos : duration.nanos;
  const fraction = nanos % 1_000_000_000n;
  const tail = fraction === 0n ? "" : `.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`;
  return `${negative ? "-" : ""}${nanos / 1_000_000_000n}${tail}s`;
}

/** Milliseconds rounded down, and the nanoseconds that are left. */
function split(time: Timestamp): { readonly ms: bigint; readonly rest: bigint } {
  const rest = ((time.nanos % NANOS_PER_MS) + NANOS_PER_MS) % NANOS_PER_MS;
  return { ms: (time.nanos - rest) / NANOS_PER_MS, rest };
}

const FIELDS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

const DURATION_FIELDS: Readonly<Record<string, (nanos: bigint) => bigint>> = {
  getHours: (nanos) => nanos / 3_600_000_000_000n,
  getMinutes: (nanos) => nanos / 60_000_000_000n,
  getSeconds: (nanos) => nanos / 1_000_000_000n,
  getMilliseconds: (nanos) => (nanos / NANOS_PER_MS) % 1000n,
};

/** The functions that read a part of an instant or a duration. */
export const TIME_FIELD_NAMES: readonly string[] = Object.keys(FIELDS);

/** A part of an instant, in UTC or in the zone given: an IANA name or an offset such as `+02:00`. */
export function timeField(
  name: string,
  time: Timestamp,
  { zone, zones }: { readonly zone: CelValue | undefined; readonly zones: TimeZones },
): CelValue {
  const { ms } = split(time);
  const shift = zone === undefined ? 0 : typeof zone === "string" ? offsetOf(zone, Number(ms), zones) : undefined;
  if (shift === undefined) return typeof zone === "string" ? new ExprError("unknown time zone") : noOverload();
  const read = FIELDS[name];
  return read === undefined ? noOverload() : BigInt(read(new Date(Number(ms) + shift * 60_000)));
}

export function durationField(name: string, duration: Duration): CelValue {
  const read = DURATION_FIELDS[name];
  return read === undefined ? noOverload() : read(duration.nanos);
}

function offsetOf(zone: string, epochMs: number, zones: TimeZones): number | undefined {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed === null) return zones.offsetMinutes(zone, epochMs);
  const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
  return fixed[1] === "-" ? -minutes : minutes;
}
