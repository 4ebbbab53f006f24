import { describe, expect, it } from "vitest";
import * as z from "zod";
import { formatPath, parseValue, toIssues } from "./issue.ts";

describe("formatPath", () => {
  it.each<[readonly PropertyKey[], string]>([
    [[], ""],
    [["rules", 0, "when", "all", 12, "op"], "rules[0].when.all[12].op"],
    [[0, "a"], "[0].a"],
    [["a b", "c.d", "$e", "f-g", ""], '["a b"]["c.d"].$e.f-g[""]'],
    [['quote"', "line\nbreak"], '["quote\\""]["line\\nbreak"]'],
  ])("writes %j", (keys, text) => {
    expect(formatPath(keys)).toBe(text);
  });
});

describe("parseValue", () => {
  const schema = z.strictObject({ size: z.number().min(1).max(9), colour: z.enum(["red", "green"]).optional() });

  it("returns a value that is right", () => {
    expect(parseValue(schema, { size: 3 })).toEqual({ ok: true, value: { size: 3 } });
  });

  it("returns every issue, whole", () => {
    expect(parseValue(schema, { size: 10, colour: "grene", sise: 1 })).toEqual({
      ok: false,
      issues: [
        { path: "size", keys: ["size"], message: "must be at most 9" },
        {
          path: "colour",
          keys: ["colour"],
          message: "must be one of `red`, `green`, not `grene`; did you mean `green`?",
          fix: "did you mean `green`?",
        },
        {
          path: "sise",
          keys: ["sise"],
          message: "unknown field; did you mean `size`?",
          fix: "did you mean `size`?",
          unknownField: true,
        },
      ],
    });
  });

  it("keeps each message on one line and short, whatever the input", () => {
    const found = parseValue(z.strictObject({ a: z.enum(["x"]) }), { a: `q\n\u2028${"y".repeat(500)}` });
    expect(found.ok ? [] : found.issues.map((issue) => issue.message)).toEqual([
      `must be \`x\`, not \`q\\u000a\\u2028${"y".repeat(57)}…\``,
    ]);
  });
});

describe("toIssues", () => {
  /** The issues of plain zod errors, which know neither the input nor the fields allowed. */
  function plain(schema: z.ZodType, value: unknown): readonly string[] {
    const { error } = schema.safeParse(value);
    return error === undefined ? [] : toIssues(error).map((issue) => `${issue.path}: ${issue.message}`);
  }

  it.each<[string, z.ZodType, unknown, readonly string[]]>([
    ["types", z.object({ a: z.number() }), { a: "x" }, ["a: must be a number"]],
    [
      "missing fields",
      z.object({ a: z.number(), b: z.enum(["x"]) }),
      {},
      ["a: is required; give a number", "b: must be `x`"],
    ],
    [
      "unknown fields",
      z.strictObject({}),
      { "a`b": 1, c: 2 },
      [
        '["a`b"]: unknown field; remove it or correct its spelling',
        "c: unknown field; remove it or correct its spelling",
      ],
    ],
    ["values", z.enum(["a", "b"]), "c", [": must be one of `a`, `b`"]],
    [
      "bounds",
      z.object({ a: z.string().min(2), b: z.array(z.int()).min(2).max(3), c: z.number().gt(1).lt(2) }),
      { a: "", b: [1], c: 2 },
      ["a: must be at least 2 characters long", "b: must have at least 2 elements", "c: must be less than 2"],
    ],
    [
      "formats",
      z.object({ at: z.iso.datetime(), id: z.uuid() }),
      { at: "now", id: "1" },
      ["at: must be a date and time in ISO 8601 with a zone, such as `2026-01-31T09:00:00Z`", "id: must be a UUID"],
    ],
    [
      "keys of records",
      z.record(z.string().min(3), z.number()),
      { ab: 1 },
      ["ab: has a name that cannot be used: must be at least 3 characters long"],
    ],
    [
      "tagged unions",
      z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b") })]),
      { kind: "c" },
      ["kind: must be one of `a`, `b`"],
    ],
    ["unions", z.union([z.string(), z.array(z.number())]), true, [": must be text or a list"]],
    [
      "unions, by the branch that came furthest",
      z.union([z.string(), z.object({ a: z.object({ b: z.number() }) })]),
      { a: { b: "x" } },
      ["a.b: must be a number"],
    ],
    ["own messages", z.string().refine(() => false, "Try again"), "x", [": try again"]],
    [
      "functions",
      z.object({ f: z.custom<() => void>((value) => typeof value === "function", "must be a function") }),
      { f: 1 },
      ["f: must be a function"],
    ],
  ])("says what is wrong with %s", (_what, schema, value, expected) => {
    expect(plain(schema, value)).toEqual(expected);
  });
});
