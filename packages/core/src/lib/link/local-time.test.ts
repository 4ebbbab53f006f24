import type { Lockdown } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { inLocalTime } from "./local-time.ts";

const NOON_MS = Date.parse("2026-03-01T12:00:00.000Z");
const lockdown = (until?: string): Lockdown => ({
  lockdownId: "l",
  scope: { kind: "workspace" },
  ...(until === undefined ? {} : { until }),
});

describe("a stop order on a machine whose clock is off", () => {
  it.each([
    ["an hour ahead", 3_600_000, "2026-03-01T13:30:00.000Z"],
    ["an hour behind", -3_600_000, "2026-03-01T11:30:00.000Z"],
    ["nearly right", 900, "2026-03-01T12:30:00.000Z"],
  ])("ends when it does for the control plane: %s", (_, aheadMs, until) => {
    const given = [lockdown("2026-03-01T12:30:00.000Z"), lockdown()];
    const times = { serverTimeMs: NOON_MS, nowMs: NOON_MS + aheadMs };
    expect(inLocalTime(given, times)).toEqual([lockdown(until), lockdown()]);
  });

  it("stays as it is where the control plane does not say its time, or the time cannot be read", () => {
    const given = [lockdown("2026-03-01T12:30:00.000Z")];
    expect(inLocalTime(given, { nowMs: 0 })).toBe(given);
    expect(inLocalTime([lockdown("never")], { serverTimeMs: NOON_MS, nowMs: 0 })).toEqual([lockdown("never")]);
  });
});
