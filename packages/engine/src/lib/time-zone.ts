import { TIME_ZONE_CACHE_ENTRY_COUNT_MAX, TIME_ZONE_NAME_LENGTH_MAX } from "./limits.ts";

const MINUTE_MS = 60_000;
/** Zones change their offset on a quarter hour nearly always; where one did not, the bucket's two ends disagree. */
const BUCKET_MS = 15 * MINUTE_MS;
const EPOCH_MS_MAX = 8_640_000_000_000_000;

interface Zone {
  readonly formatter: Intl.DateTimeFormat;
  bucketStartMs: number;
  offsetMinutes: number;
}

/**
 * Offsets from UTC of IANA time zones, by the platform's own tables. Formatters are kept per instance, at most 64; the
 * offset is kept for the quarter hour last asked about.
 */
export class TimeZones {
  readonly #zones = new Map<string, Zone>();

  /** Whether `zone` is an IANA name (`Europe/Berlin`, `UTC`, also an alias) that this platform knows. `+02:00` is not. */
  isTimeZone(zone: string): boolean {
    return this.#find(zone) !== undefined;
  }

  /**
   * Minutes that `zone` is ahead of UTC at `epochMs` (epoch milliseconds); not a whole number for some zones before 1972.
   * `undefined` for an unknown zone or a time that no date can have.
   */
  offsetMinutes(zone: string, epochMs: number): number | undefined {
    if (!(Math.abs(epochMs) <= EPOCH_MS_MAX - BUCKET_MS)) return undefined;
    const found = this.#find(zone);
    if (found === undefined) return undefined;
    const bucketStartMs = Math.floor(epochMs / BUCKET_MS) * BUCKET_MS;
    if (found.bucketStartMs === bucketStartMs) return found.offsetMinutes;
    const first = readOffsetMinutes(found.formatter, bucketStartMs);
    const last = readOffsetMinutes(found.formatter, bucketStartMs + BUCKET_MS - 1000);
    if (first !== last) return readOffsetMinutes(found.formatter, epochMs);
    found.bucketStartMs = bucketStartMs;
    found.offsetMinutes = first;
    return first;
  }

  #find(zone: string): Zone | undefined {
    const kept = this.#zones.get(zone);
    if (kept !== undefined) return kept;
    if (zone.length > TIME_ZONE_NAME_LENGTH_MAX || !/^[A-Za-z]/.test(zone)) return undefined;
    const formatter = createFormatter(zone);
    if (formatter === undefined) return undefined;
    if (this.#zones.size >= TIME_ZONE_CACHE_ENTRY_COUNT_MAX) {
      const oldest = this.#zones.keys().next().value;
      if (oldest !== undefined) this.#zones.delete(oldest);
    }
    const created: Zone = { formatter, bucketStartMs: Number.NaN, offsetMinutes: 0 };
    this.#zones.set(zone, created);
    return created;
  }
}

function createFormatter(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return undefined;
  }
}

function readOffsetMinutes(formatter: Intl.DateTimeFormat, epochMs: number): number {
  let [year, month, day, hour, minute, second] = [0, 0, 0, 0, 0, 0];
  let isBeforeChrist = false;
  for (const part of formatter.formatToParts(epochMs)) {
    if (part.type === "year") year = Number(part.value);
    else if (part.type === "month") month = Number(part.value);
    else if (part.type === "day") day = Number(part.value);
    else if (part.type === "hour") hour = Number(part.value);
    else if (part.type === "minute") minute = Number(part.value);
    else if (part.type === "second") second = Number(part.value);
    else if (part.type === "era") isBeforeChrist = part.value.startsWith("B");
  }
  const local = new Date(0);
  local.setUTCFullYear(isBeforeChrist ? 1 - year : year, month - 1, day);
  local.setUTCHours(hour, minute, second);
  return (local.getTime() - Math.floor(epochMs / 1000) * 1000) / MINUTE_MS;
}
