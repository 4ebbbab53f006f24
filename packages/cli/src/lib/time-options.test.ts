import { describe, expect, it } from "vitest";
import { UsageError } from "./command.ts";
import { durationMsOf, timeOf } from "./time-options.ts";

const NOW_MS = Date.UTC(2026, 1, 8, 12);

describe("times that options name", () => {
  it.each([
    ["2026-01-31T09:00:00Z", "2026-01-31T09:00:00.000Z"],
    ["2026-01-31T09:00:00.5+01:00", "2026-01-31T08:00:00.500Z"],
    ["2026-01-31T09:00", "2026-01-31T09:00:00.000Z"],
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["7d", "2026-02-01T12:00:00.000Z"],
    ["1w", "2026-02-01T12:00:00.000Z"],
    ["90m", "2026-02-08T10:30:00.000Z"],
    ["30s", "2026-02-08T11:59:30.000Z"],
  ])("%s is %s", (text, time) => {
    expect(timeOf("since", text, NOW_MS)).toBe(time);
  });

  it.each(["", "yesterday", "7", "d", "7y", "2026-13-01", "01/02/2026", "999999999w"])("`%s` is no time", (text) => {
    expect(() => timeOf("since", text, NOW_MS)).toThrow(UsageError);
  });

  it("lengths are numbers with a unit", () => {
    expect(durationMsOf("lead-in", "12h")).toBe(43_200_000);
    expect(() => durationMsOf("lead-in", "2026-01-31")).toThrow(UsageError);
  });
});
