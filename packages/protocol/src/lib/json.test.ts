import { describe, expect, it } from "vitest";
import { parseValue } from "./issue.ts";
import { jsonValueSchema } from "./json.ts";

function problems(value: unknown): readonly string[] {
  const parsed = parseValue(jsonValueSchema, value);
  return parsed.ok ? [] : parsed.issues.map(({ path, message }) => `${path}: ${message}`);
}

/** A list in a list, so many times. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe("jsonValueSchema", () => {
  it("hands a value on as it is, odd keys included", () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1},"constructor":[{"b":null}]}');
    const parsed = parseValue(jsonValueSchema, value);
    expect(parsed.ok && parsed.value).toBe(value);
  });

  it.each([
    ["nothing", undefined, ": is required; give plain JSON"],
    ["no number", Number.NaN, ": must be plain JSON, not `NaN`"],
    ["an instance", { a: [1, new Map()] }, "a[1]: must be plain JSON, not an instance of a class"],
    ["a hole", { a: undefined }, "a: must be plain JSON, not a value of type undefined"],
    [
      "what stands below an odd key",
      JSON.parse('{"__proto__":1e999}'),
      "__proto__: must be plain JSON, not `Infinity`",
    ],
    ["a function", [() => 1], "[0]: must be plain JSON, not a value of type function"],
    ["what is too deep", nested(1_001), ": has more than 1000 levels"],
    ["what is far too deep", nested(100_000), ": has more than 1000 levels"],
  ])("refuses %s", (_what, value, expected) => {
    expect(problems(value)).toEqual([expected]);
  });

  it("takes what is deep and not too deep", () => {
    expect(problems(nested(1_000))).toEqual([]);
  });
});
