import { describe, expect, it } from "vitest";
import { TimeZones } from "./time-zone.ts";

const HOUR_MS = 3_600_000;
const ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"];

/** What the platform itself prints as the zone's offset, in minutes. */
function printedOffset(formatter: Intl.DateTimeFormat, epochMs: number): number {
  const name = formatter.formatToParts(epochMs).find((part) => part.type === "timeZoneName")?.value ?? "";
  const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name);
  if (match === null) throw new Error(`cannot read ${name}`);
  const minutes = Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0) + Number(match[4] ?? 0) / 60;
  return match[1] === "-" ? -minutes : minutes;
}

const offsetFormatter = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });

describe("offsetMinutes", () => {
  it("agrees with the platform over two years", () => {
    const zones = new TimeZones();
    const mismatches: string[] = [];
    for (const zone of ZONES) {
      const formatter = offsetFormatter(zone);
      for (let at = Date.UTC(2023, 0, 1); at < Date.UTC(2025, 0, 1); at += 97 * 60_000) {
        if (zones.offsetMinutes(zone, at) !== printedOffset(formatter, at)) mismatches.push(`${zone} ${at}`);
      }
    }
    expect(mismatches).toEqual([]);
  });

  it("changes at the very minute", () => {
    const zones = new TimeZones();
    const changes = [
      ["Europe/Berlin", Date.UTC(2024, 2, 31, 1)],
      ["America/New_York", Date.UTC(2024, 10, 3, 6)],
      ["Australia/Lord_Howe", Date.UTC(2024, 3, 6, 15)],
      ["America/St_Johns", Date.UTC(2010, 10, 7, 2, 31)],
      ["Pacific/Apia", Date.UTC(2011, 11, 30, 10)],
    ] as const;
    const found = changes.map(([zone, at]) => [zones.offsetMinutes(zone, at - 1), zones.offsetMinutes(zone, at)]);
    expect(found).toEqual([
      [60, 120],
      [-240, -300],
      [660, 630],
      [-150, -210],
      [-600, 840],
    ]);
  });

  it("reads old, negative and far times", () => {
    const zones = new TimeZones();
    const times = [
      Date.UTC(1890, 0, 1),
      -1,
      0,
      Date.UTC(1965, 5, 1, 12, 7, 30),
      Date.UTC(2199, 6, 1),
      -62_200_000_000_000,
    ];
    for (const zone of ["Africa/Monrovia", "Europe/Amsterdam", "UTC"]) {
      const formatter = offsetFormatter(zone);
      const offsets = times.map((at) => zones.offsetMinutes(zone, at)?.toFixed(3));
      expect(offsets).toEqual(times.map((at) => printedOffset(formatter, at).toFixed(3)));
    }
  });

  it("knows no offset for what is no zone or no time", () => {
    const zones = new TimeZones();
    expect(zones.offsetMinutes("Mars/Olympus", 0)).toBe(undefined);
    expect(zones.offsetMinutes("UTC", Number.NaN)).toBe(undefined);
    expect(zones.offsetMinutes("UTC", Number.POSITIVE_INFINITY)).toBe(undefined);
    expect(zones.offsetMinutes("UTC", 8.7e15)).toBe(undefined);
  });

  it("answers the same when asked in any order, and for more zones than it keeps", () => {
    const zones = new TimeZones();
    const names = Intl.supportedValuesOf("timeZone");
    const at = Date.UTC(2024, 6, 1, 12);
    const first = names.map((zone) => zones.offsetMinutes(zone, at));
    const again = names.map((zone) => zones.offsetMinutes(zone, at + HOUR_MS) !== undefined);
    expect(names.map((zone) => zones.offsetMinutes(zone, at))).toEqual(first);
    expect(again.every(Boolean)).toBe(true);
  });
});

describe("isTimeZone", () => {
  it("accepts IANA names alone", () => {
    const zones = new TimeZones();
    const names = ["Europe/Berlin", "UTC", "US/Eastern", "europe/berlin", "+02:00", "", "Berlin", "x".repeat(70)];
    expect(names.map((name) => zones.isTimeZone(name))).toEqual([true, true, true, true, false, false, false, false]);
  });
});
