import { describe, expect, it } from "vitest";
import { diffLines } from "./line-diff.ts";

function shown(before: string, after: string, context?: number): readonly string[] {
  return diffLines(before, after, context).map((line) => (line === undefined ? "..." : `${line.mark}${line.text}`));
}

describe("a comparison of two texts", () => {
  it("shows what changed, with the lines around it", () => {
    const before = "a\nb\nc\nd\ne\nf\ng\nh\n";
    const after = "a\nb\nC\nd\ne\nf\ng\nh\ni\n";
    expect(shown(before, after, 1)).toEqual([" b", "-c", "+C", " d", "...", " h", "+i"]);
  });

  it("shows a whole text that is new or gone, and nothing where nothing changed", () => {
    expect(shown("", "a\nb\n")).toEqual(["+a", "+b"]);
    expect(shown("a\nb", "")).toEqual(["-a", "-b"]);
    expect(shown("a\nb\n", "a\nb\n")).toEqual([]);
  });

  it("compares texts that are too long as a whole", () => {
    const long = Array.from({ length: 2_001 }, (_, at) => `line ${at}`).join("\n");
    expect(shown(long, `${long}\nmore`).length).toBe(2_001 + 2_002);
  });
});
