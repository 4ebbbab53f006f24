import { UsageError } from "./command.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A time that an option names, as ISO 8601: a date, a date with time, or how long ago, such as `7d`. @throws UsageError */
export function timeOf(option: string, text: string, nowMs: number): string {
  const agoMs = readDuration(text);
  const atMs = agoMs === undefined ? readTime(text) : nowMs - agoMs;
  if (Number.isFinite(atMs) && Math.abs(atMs) <= 8.64e15) return new Date(atMs).toISOString();
  throw new UsageError(
    `\`--${option} ${text}\` is no time; write 2026-01-31T09:00:00Z, 2026-01-31, or 7d, 12h, 30m ago`,
  );
}

/** A length of time that an option names, in milliseconds. @throws UsageError */
export function durationMsOf(option: string, text: string): number {
  const durationMs = readDuration(text);
  if (durationMs !== undefined) return durationMs;
  throw new UsageError(`\`--${option} ${text}\` is no length of time; write 30m, 12h, 7d`);
}

function readDuration(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(number) * unitMs;
}

/** A time without a zone is one of UTC, as everywhere here. */
function readTime(text: string): number {
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)) return Number.NaN;
  const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(text.slice(10));
  return Date.parse(text.length === 10 || hasZone ? text : `${text}Z`);
}
