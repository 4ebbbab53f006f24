import { describe, expect, it } from "vitest";
import { compileGlob, globCovers, globsDisjoint, isLiteralGlob } from "./glob.ts";

const matches = (pattern: string, ...texts: readonly string[]): readonly boolean[] => texts.map(compileGlob(pattern));

describe("compileGlob", () => {
  it("matches a literal alone", () => {
    expect(matches("send_email", "send_email", "send_emails", "Send_email", "")).toEqual([true, false, false, false]);
  });

  it("takes `*` as any run, also empty and across `/`, `.` and line breaks", () => {
    expect(matches("*", "", "fs/read_file", ".hidden", "a\nb")).toEqual([true, true, true, true]);
    expect(matches("db_*", "db_", "db_drop/all", "xdb_")).toEqual([true, true, false]);
    expect(matches("*_post", "mcp/x_post", "_post", "post")).toEqual([true, true, false]);
    expect(matches("*mid*", "mid", "amidst", "md")).toEqual([true, true, false]);
    expect(matches("ab*ba", "abba", "aba", "ab-ba")).toEqual([true, false, true]);
    expect(matches("mcp__*__post_*", "mcp__slack__post_message", "mcp__post_x")).toEqual([true, false]);
    expect(matches("a**b", "ab", "axxb")).toEqual([true, true]);
  });

  it("takes `?` as exactly one code point", () => {
    expect(matches("a?c", "abc", "ac", "abbc", "a😀c")).toEqual([true, false, false, true]);
    expect(matches("?", "😀", "é", "", "ab")).toEqual([true, true, false, false]);
    expect(matches("*?*", "", "x")).toEqual([false, true]);
    expect(matches("a*?z", "az", "abz", "a😀z")).toEqual([false, true, true]);
    expect(matches("*??", "a", "ab", "a😀")).toEqual([false, true, true]);
  });

  it("takes everything else literally", () => {
    expect(matches("[ab]", "[ab]", "a")).toEqual([true, false]);
    expect(matches("!x", "!x", "y")).toEqual([true, false]);
    expect(matches("{a,b}*", "{a,b}c", "a")).toEqual([true, false]);
    expect(matches("a\\*", "a\\b", "a*")).toEqual([true, false]);
  });

  it("never splits a surrogate pair", () => {
    expect(matches("*\udE00", "\ud83d\ude00", "\ude00", "x\ude00")).toEqual([false, true, true]);
    expect(matches("\ud83d*", "\ud83d\ude00", "\ud83dx")).toEqual([false, true]);
  });

  it("stays linear where backtracking would not end", () => {
    const text = "a".repeat(100_000);
    expect(matches(`${"*a".repeat(100)}*b`, text)).toEqual([false]);
    expect(matches(`${"*?a".repeat(60)}*b`, text)).toEqual([false]);
  });

  it("refuses a glob that is too long", () => {
    expect(() => compileGlob("a".repeat(257))).toThrow("glob has 257 characters; use at most 256");
  });
});

describe("isLiteralGlob", () => {
  it("tells wildcards from literals", () => {
    expect(["a.b", "a*", "?", ""].map(isLiteralGlob)).toEqual([true, false, false, true]);
  });
});

describe("globCovers", () => {
  it("proves what is plainly so", () => {
    const cases = [
      ["*", "db_*"],
      ["db_*", "db_drop"],
      ["db_*", "db_*_all"],
      ["a?c", "abc"],
      ["*?*", "?*"],
      ["*a*", "*ba*"],
      ["a*b*", "ab"],
    ] as const;
    expect(cases.map(([wide, narrow]) => globCovers(wide, narrow))).toEqual(cases.map(() => true));
  });

  it("does not claim what is not so", () => {
    const cases = [
      ["db_*", "*"],
      ["db_*", "d*"],
      ["abc", "a?c"],
      ["?", "*"],
      ["*a", "a*"],
    ] as const;
    expect(cases.map(([wide, narrow]) => globCovers(wide, narrow))).toEqual(cases.map(() => false));
  });
});

describe("globsDisjoint", () => {
  it("knows whether two globs share a text", () => {
    expect(globsDisjoint("db_*", "fs_*")).toBe(true);
    expect(globsDisjoint("*_a", "*_b")).toBe(true);
    expect(globsDisjoint("?", "??*")).toBe(true);
    expect(globsDisjoint("a*", "*b")).toBe(false);
    expect(globsDisjoint("a?c", "abc")).toBe(false);
    expect(globsDisjoint("x", "x")).toBe(false);
  });
});
