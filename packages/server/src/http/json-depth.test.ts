import { describe, expect, it } from "vitest";
import { isDeeperThan } from "./json-depth.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("isDeeperThan", () => {
  it.each([
    ["a leaf", "1", 0, false],
    ["a list", "[1]", 1, false],
    ["a list beyond the bound", "[1]", 0, true],
    ["lists and objects alike", '{"a":[{"b":1}]}', 2, true],
    ["siblings, which are not deeper", "[[],[],[],{}]", 2, false],
    ["brackets inside texts", '["[[[[","{{{{"]', 1, false],
    ["escaped quotes", String.raw`["\"[[[[\\"]`, 1, false],
    ["an escaped backslash before a quote", String.raw`["\\",[[]]]`, 2, true],
    ["a text that does not end", '["[[[[', 1, false],
    ["text beyond ASCII", '{"ä":"[🙂[","b":[]}', 2, false],
    ["too many closing brackets", "]]]][[", 1, false],
  ])("sees %s", (_name, text, depthMax, expected) => {
    expect(isDeeperThan(bytes(text), depthMax)).toBe(expected);
  });

  it("does not recurse itself", () => {
    expect(isDeeperThan(bytes("[".repeat(1_000_000)), 2_000_000)).toBe(false);
  });
});
