import { describe, expect, it } from "vitest";
import { parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each<[string, number | undefined]>([
    ["500ms", 500],
    ["90s", 90_000],
    ["1.5h", 5_400_000],
    ["1h 30m", 5_400_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["0s", 0],
    ["", undefined],
    ["90", undefined],
    ["s", undefined],
    ["1w", undefined],
    ["-1s", undefined],
    ["1h  30m", undefined],
  ])("reads %j as %s", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});
