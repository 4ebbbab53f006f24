import { describe, expect, it } from "vitest";
import { linesOf } from "./lines.ts";

async function split(...chunks: readonly string[]): Promise<readonly (readonly [number, string | undefined])[]> {
  async function* source(): AsyncGenerator<string> {
    yield* chunks;
  }
  const lines: (readonly [number, string | undefined])[] = [];
  for await (const { number, text } of linesOf(source())) lines.push([number, text]);
  return lines;
}

describe("linesOf", () => {
  it("splits at line feeds, wherever chunks end", async () => {
    const lines = [
      [1, "ab"],
      [2, ""],
      [3, "cd"],
    ];
    expect(await split("ab\n\ncd")).toEqual(lines);
    expect(await split("a", "b", "\n", "\nc", "d\n")).toEqual(lines);
    expect(await split()).toEqual([]);
  });

  it("leaves other separators alone, which JSON texts may hold", async () => {
    const text = JSON.stringify({ note: "one\u2028two\u2029three" });
    expect(await split(`${text}\n`)).toEqual([[1, text]]);
  });

  it("takes off a byte order mark and carriage returns", async () => {
    expect(await split("\uFEFFa\r\nb\r\n")).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
  });

  it("passes over a line that is too long, and goes on", async () => {
    const chunk = "x".repeat(16_777_216);
    expect(await split("a\n", chunk, chunk, chunk, chunk, "x", "x\nb\n")).toEqual([
      [1, "a"],
      [2, undefined],
      [3, "b"],
    ]);
  });
});
