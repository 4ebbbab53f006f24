import { describe, expect, it } from "vitest";
import { TEXT_LENGTH_MAX } from "./limits.ts";
import { compileRegex, RegexCache } from "./regex.ts";

describe("compileRegex", () => {
  it("finds the pattern anywhere", () => {
    const regex = compileRegex("^/home/[^/]*/.*\\.(pem|key)$");
    expect(regex.test("/home/u/secret.pem")).toBe(true);
    expect(regex.test("/home/u/secret.txt")).toBe(false);
    expect(compileRegex("b").test("abc")).toBe(true);
  });

  it("folds case when asked", () => {
    expect(compileRegex("drop table", { ignoreCase: true }).test("DROP Table x")).toBe(true);
    expect(compileRegex("drop table").test("DROP Table x")).toBe(false);
  });

  it("says what is wrong with a pattern", () => {
    const bad = ["(", "a**", "[z-a]", "\\1", "(?=a)", "(?<!a)b", "(a{1000}){1000}", "\\p{Nope}"];
    const messages = bad.map((pattern) => {
      try {
        compileRegex(pattern);
        return "compiled";
      } catch (error) {
        return error instanceof Error ? error.message : "not an error";
      }
    });
    expect(messages).toEqual([
      "missing closing ): `(`",
      "invalid nested repetition operator: `**`",
      "invalid character class range: `z-a`",
      "invalid escape sequence: `\\1`",
      "invalid or unsupported Perl syntax: `(?=`",
      "invalid named capture: `(?<!a)b`",
      "invalid repeat count: `{1000}`",
      "invalid character class range: `\\p{Nope}`",
    ]);
    expect(() => compileRegex("a".repeat(1_001))).toThrow("pattern has 1001 characters; use at most 1000");
  });

  it("does not read a text past its bound", () => {
    const small = compileRegex("x");
    expect(small.textLengthMax).toBe(TEXT_LENGTH_MAX);
    expect(small.test(`${"a".repeat(TEXT_LENGTH_MAX - 1)}x`)).toBe(true);
    expect(small.test("x".repeat(TEXT_LENGTH_MAX + 1))).toBe(undefined);
    const large = compileRegex("a.{900}[cd]");
    expect(large.textLengthMax).toBeLessThan(20_000);
    expect(large.test("ab".repeat(large.textLengthMax))).toBe(undefined);
  });

  it("answers for patterns that make backtracking engines hang", () => {
    const text = `${"a".repeat(50_000)}!`;
    const patterns = ["^(a+)+$", "^(a|a)*$", "(x+x+)+y", "^(a|aa)+$"];
    expect(patterns.map((pattern) => compileRegex(pattern).test(text))).toEqual([false, false, false, false]);
  });

  it("keeps answering the same after many texts", () => {
    const regex = compileRegex("a.{12}[cd]");
    const text = Array.from({ length: 20_000 }, (_, index) => ((index * index) % 7 < 3 ? "a" : "b")).join("");
    for (let round = 0; round < 5; round += 1) {
      expect(regex.test(text)).toBe(false);
      expect(regex.test(`${text}abbbbbbbbbbbbc`)).toBe(true);
    }
  });
});

describe("RegexCache", () => {
  it("compiles each pattern once and forgets the least recently used", () => {
    const cache = new RegexCache(2);
    const a = cache.compile("a");
    const b = cache.compile("b");
    expect(cache.compile("a")).toBe(a);
    const c = cache.compile("c");
    expect(cache.size).toBe(2);
    expect(cache.compile("a")).toBe(a);
    expect(cache.compile("c")).toBe(c);
    expect(cache.compile("b")).not.toBe(b);
  });

  it("tells flags apart and does not keep failures", () => {
    const cache = new RegexCache();
    expect(cache.compile("a").test("A")).toBe(false);
    expect(cache.compile("a", { ignoreCase: true }).test("A")).toBe(true);
    expect(() => cache.compile("(")).toThrow("missing closing ): `(`");
    expect(cache.size).toBe(2);
  });
});
