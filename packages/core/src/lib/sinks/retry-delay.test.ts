import { describe, expect, it } from "vitest";
import { backoffMs, parseRetryAfterMs, serverDelayMs } from "./retry-delay.ts";

const BOUNDS = { backoffBaseMs: 500, backoffMaxMs: 30_000, retryAfterMaxMs: 300_000 };
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

describe("backoffMs", () => {
  it("doubles up to the bound, half of it certain and half random", () => {
    const steps = [1, 2, 3, 7, 8, 1_000];
    expect(steps.map((count) => backoffMs(count, BOUNDS, () => 0))).toEqual([250, 500, 1_000, 15_000, 15_000, 15_000]);
    expect(steps.map((count) => backoffMs(count, BOUNDS, () => 1))).toEqual([
      500, 1_000, 2_000, 30_000, 30_000, 30_000,
    ]);
  });
});

describe("parseRetryAfterMs", () => {
  it.each([
    ["5", 5_000],
    [" 1.5 ", 1_500],
    ["0", 0],
    ["Fri, 02 Jan 2026 03:04:35 GMT", 30_000],
    ["Fri, 02 Jan 2026 03:00:00 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["", undefined],
    [null, undefined],
  ])("reads %j", (header, expected) => {
    expect(parseRetryAfterMs(header, NOW_MS)).toBe(expected);
  });
});

describe("serverDelayMs", () => {
  it.each([
    [0, 500, 550],
    [2_000, 2_000, 2_200],
    [3_600_000, 300_000, 330_000],
  ])("waits for %i between floor and cap, never less than asked", (askedMs, leastMs, mostMs) => {
    expect(serverDelayMs(askedMs, BOUNDS, () => 0)).toBe(leastMs);
    expect(serverDelayMs(askedMs, BOUNDS, () => 1)).toBeCloseTo(mostMs);
  });
});
