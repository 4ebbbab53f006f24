import type { TimeWindow, Weekday } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileTimeGate, inTimeWindows } from "./time-gate.ts";
import { TimeZones } from "./time-zone.ts";

const zones = new TimeZones();
const WEEKDAYS: Weekday[] = ["mon", "tue", "wed", "thu", "fri"];
const ALL_DAYS: Weekday[] = [...WEEKDAYS, "sat", "sun"];

const inside = (windows: readonly TimeWindow[], zone: string, ...times: readonly string[]): unknown[] =>
  times.map((time) => inTimeWindows(windows, zone, { epochMs: Date.parse(time), zones }));

describe("inTimeWindows", () => {
  it("includes the start and excludes the end", () => {
    const office = [{ days: WEEKDAYS, start: "09:00", end: "17:30" }];
    // 2024-05-15 is a Wednesday, 2024-05-18 a Saturday.
    expect(
      inside(
        office,
        "UTC",
        "2024-05-15T08:59:59.999Z",
        "2024-05-15T09:00:00Z",
        "2024-05-15T17:29:59.999Z",
        "2024-05-15T17:30:00Z",
        "2024-05-18T12:00:00Z",
      ),
    ).toEqual([false, true, true, false, false]);
  });

  it("reads the wall clock of the zone", () => {
    const office = [{ days: WEEKDAYS, start: "09:00", end: "17:00" }];
    expect(inside(office, "America/New_York", "2024-05-15T12:59:00Z", "2024-05-15T13:00:00Z")).toEqual([false, true]);
    expect(inside(office, "Pacific/Auckland", "2024-05-19T21:00:00Z", "2024-05-17T05:00:00Z")).toEqual([true, false]);
  });

  it("lets a window cross midnight from the day it starts on", () => {
    const night: TimeWindow[] = [{ days: ["fri", "sun"], start: "22:00", end: "06:00" }];
    expect(
      inside(
        night,
        "UTC",
        "2024-05-17T21:59:00Z",
        "2024-05-17T22:00:00Z",
        "2024-05-18T05:59:00Z",
        "2024-05-18T06:00:00Z",
        "2024-05-18T23:00:00Z",
        "2024-05-19T23:00:00Z",
        "2024-05-20T05:59:00Z",
        "2024-05-17T03:00:00Z",
      ),
    ).toEqual([false, true, true, false, false, true, true, false]);
  });

  it("takes equal times, and 00:00 to 24:00, as the whole day", () => {
    const equal: TimeWindow[] = [{ days: ["wed"], start: "09:00", end: "09:00" }];
    const full: TimeWindow[] = [{ days: ["wed"], start: "00:00", end: "24:00" }];
    for (const windows of [equal, full]) {
      expect(inside(windows, "UTC", "2024-05-14T23:59:00Z", "2024-05-15T00:00:00Z", "2024-05-15T23:59:00Z")).toEqual([
        false,
        true,
        true,
      ]);
      expect(inside(windows, "UTC", "2024-05-16T00:00:00Z")).toEqual([false]);
    }
  });

  it("follows the clock through the change to and from summer time", () => {
    const early: TimeWindow[] = [{ days: ["sun"], start: "02:00", end: "03:00" }];
    // 31 March 2024: 02:00 does not exist in Berlin. 27 October 2024: 02:00 to 03:00 comes twice.
    expect(inside(early, "Europe/Berlin", "2024-03-31T00:59:00Z", "2024-03-31T01:00:00Z")).toEqual([false, false]);
    expect(
      inside(early, "Europe/Berlin", "2024-10-27T00:00:00Z", "2024-10-27T01:30:00Z", "2024-10-27T02:00:00Z"),
    ).toEqual([true, true, false]);
  });

  it("is unknown for an unknown zone or time", () => {
    const always = [{ days: ALL_DAYS, start: "00:00", end: "24:00" }];
    expect(inside(always, "Mars/Olympus", "2024-05-15T00:00:00Z")).toEqual([undefined]);
    expect(inTimeWindows(always, "UTC", { epochMs: Number.NaN, zones })).toBe(undefined);
  });
});

describe("compileTimeGate", () => {
  it("says how much of the week is inside", () => {
    const minutes = (windows: readonly TimeWindow[]): number => compileTimeGate(windows, zones).minutesPerWeek;
    expect(minutes([])).toBe(0);
    expect(minutes([{ days: WEEKDAYS, start: "09:00", end: "17:00" }])).toBe(5 * 8 * 60);
    expect(minutes([{ days: ALL_DAYS, start: "22:00", end: "06:00" }])).toBe(7 * 8 * 60);
    const overlapping: TimeWindow[] = [
      { days: ["mon"], start: "09:00", end: "12:00" },
      { days: ["mon"], start: "11:00", end: "13:00" },
    ];
    expect(minutes(overlapping)).toBe(4 * 60);
    expect(minutes([{ days: ALL_DAYS, start: "00:00", end: "24:00" }])).toBe(7 * 24 * 60);
  });

  it("names a bad time", () => {
    const compile = (start: string, end: string) => () => compileTimeGate([{ days: ["mon"], start, end }], zones);
    expect(compile("24:00", "06:00")).toThrow("bad time `24:00`; use `HH:MM` on a 24-hour clock");
    expect(compile("09:00", "24:01")).toThrow("bad time `24:01`; use `HH:MM` on a 24-hour clock");
    expect(compile("9:00", "17:00")).toThrow("bad time `9:00`; use `HH:MM` on a 24-hour clock");
    expect(compile("09:60", "17:00")).toThrow("bad time `09:60`; use `HH:MM` on a 24-hour clock");
  });

  it("refuses more windows than its bound", () => {
    const window: TimeWindow = { days: ["mon"], start: "00:00", end: "01:00" };
    expect(() =>
      compileTimeGate(
        Array.from({ length: 65 }, () => window),
        zones,
      ),
    ).toThrow("time gate has 65 windows; use at most 64");
  });

  it("agrees with the definition for any windows and times", () => {
    const clock = fc
      .integer({ min: 0, max: 1439 })
      .map((minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`);
    const window = fc.record({ days: fc.subarray(ALL_DAYS, { minLength: 1 }), start: clock, end: clock });
    const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
    fc.assert(
      fc.property(fc.array(window, { maxLength: 4 }), fc.integer({ min: 0, max: 2e12 }), (windows, epochMs) => {
        const date = new Date(epochMs);
        const day = (date.getUTCDay() + 6) % 7;
        const minute = date.getUTCHours() * 60 + date.getUTCMinutes();
        const isInside = windows.some(({ days, start, end }) => {
          const [from, to] = [minuteOf(start), minuteOf(end)];
          const isDay = (index: number): boolean => days.some((name) => ALL_DAYS.indexOf(name) === index);
          if (from === to) return isDay(day);
          if (from < to) return isDay(day) && minute >= from && minute < to;
          return (isDay(day) && minute >= from) || (isDay((day + 6) % 7) && minute < to);
        });
        expect(compileTimeGate(windows, zones).isInside("UTC", epochMs)).toBe(isInside);
      }),
      { numRuns: 2_000 },
    );
  });
});
