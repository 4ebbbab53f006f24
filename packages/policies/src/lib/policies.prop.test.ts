import {
  type Condition,
  type JsonValue,
  jsonValueSchema,
  type Policy,
  type Rule,
  type ToolSelector,
  WEEKDAYS,
} from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printPolicies } from "./print-policies.ts";
import { parsePolicies, readPolicies } from "./read-policies.ts";

/** Numbers that every format writes: -0 is read as 0. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
/** Text with everything that YAML could take for something else. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      "\n",
      " ",
      "a",
      "#",
      ":",
      "-",
      "'",
      '"',
      "\\",
      "\t",
      "|",
      ">",
      "%",
      "&",
      "*",
      "!",
      ",",
      "[",
      "}",
    ),
    maxLength: 30,
  }),
  fc.constantFrom(
    "yes",
    "on",
    "null",
    "~",
    "1",
    "0x1f",
    "1e3",
    ".inf",
    "09:00",
    "2024-01-01",
    "true",
    "- a",
    "a: b",
    "a #b",
    "...",
    "---",
    "<<",
    "=",
    "\ud800",
  ),
);
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(value, { minLength: 1, maxLength: 3 });
const filled = text.filter((value) => value.length > 0);
const name = filled.map((value) => value.replace(/[\u0000-\u001f\u007f]/g, "x"));
const tag = fc.oneof(
  fc.constantFrom("external", "pii", "a b", "#1", "on"),
  name.map((value) => `t${value.replace(/\s/g, "_")}`),
);
const json = fc.jsonValue({ depthSize: "small", stringUnit: "binary" }).map((value) => asFilesHoldIt(value));
const optional = { requiredKeys: [] };

const selector: fc.Arbitrary<ToolSelector> = fc.record(
  { name: fc.oneof(filled, some(filled)), tagsAny: some(tag), tagsAll: some(tag) },
  optional,
);
const onMissing = fc.constantFrom("skip" as const, "match" as const, "unknown" as const);

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    kind: fc.constant("toolName" as const),
    op: fc.constant("glob" as const),
    value: fc.oneof(filled, some(filled)),
  }),
  fc.record({ kind: fc.constant("toolTag" as const), anyOf: some(tag) }),
  fc.record(
    {
      kind: fc.constant("toolArg" as const),
      path: filled,
      type: fc.constant("number" as const),
      op: fc.constant("lte" as const),
      value: number,
      onMissing,
    },
    { requiredKeys: ["kind", "path", "type", "op", "value"] },
  ),
  fc.record({
    kind: fc.constant("toolArg" as const),
    path: filled,
    type: fc.constant("string" as const),
    op: fc.constant("in" as const),
    value: some(text),
    ignoreCase: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("actor" as const), path: filled, op: fc.constant("exists" as const) }),
  fc.record({
    kind: fc.constant("maxCalls" as const),
    scope: fc.constant("agent" as const),
    max: fc.nat(1_000_000_000),
    windowSeconds: fc.integer({ min: 1, max: 1000 }),
    tool: selector,
  }),
  fc.record({
    kind: fc.constant("timeGate" as const),
    windows: some(
      fc.record({ days: some(fc.constantFrom(...WEEKDAYS)), start: fc.constant("09:00"), end: fc.constant("24:00") }),
    ),
    timezone: fc.constantFrom("UTC", "Europe/Berlin"),
  }),
  fc.record({
    kind: fc.constant("argFrom" as const),
    paths: some(filled),
    origins: fc.constant(["untrusted" as const, "unseen" as const]),
  }),
  fc.record({ kind: fc.constant("custom" as const), name, args: json }),
);

const condition: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.record({ kind: fc.constant("and" as const), all: some(tie("node")) }),
    fc.record({ kind: fc.constant("or" as const), any: some(tie("node")) }),
    fc.record({ kind: fc.constant("not" as const), not: tie("node") }),
  ),
})).node;

const rule: fc.Arbitrary<Rule> = fc.record(
  {
    id: name,
    name: filled,
    description: text,
    priority: fc.integer({ min: -1000, max: 1000 }),
    on: fc.constantFrom("tool.before" as const, ["tool.after" as const, "llm.before" as const]),
    tool: selector,
    when: condition,
    effect: fc.oneof(
      fc.record(
        { type: fc.constant("block" as const), reason: filled, control: fc.constant("TERMINATE" as const) },
        { requiredKeys: ["type"] },
      ),
      fc.record({
        type: fc.constant("hitl" as const),
        approval: fc.record({ approvers: some(filled), notRequester: fc.boolean() }, optional),
      }),
      fc.record({
        type: fc.constant("redact" as const),
        redact: some(fc.record({ paths: some(filled), method: fc.constant("hash" as const) })),
      }),
    ),
    exact: fc.boolean(),
  },
  { requiredKeys: ["name", "on", "effect"] },
);

const policy: fc.Arbitrary<Policy> = fc.record(
  {
    id: name,
    name: filled,
    description: text,
    enabled: fc.boolean(),
    agents: fc.record({ anyOfSlugs: some(fc.constantFrom("a", "b-1", "0", "no")), anyOfTags: some(tag) }, optional),
    flow: fc.record({
      sources: fc.array(fc.record({ tool: selector, when: condition, add: some(tag), fields: some(filled) }), {
        maxLength: 2,
      }),
    }),
    rules: fc.array(rule, { maxLength: 3 }),
  },
  { requiredKeys: ["name", "rules"] },
);

/** JSON has no -0 that all of its writers keep, and YAML and JSON files may not name a field `__proto__`. */
function asFilesHoldIt(value: unknown): JsonValue {
  return jsonValueSchema.parse(JSON.parse(JSON.stringify(value).replaceAll('"__proto__"', '"proto"')));
}

describe("policies as text", () => {
  it("parse is the inverse of print, in YAML and JSON", () => {
    fc.assert(
      fc.property(some(policy), fc.constantFrom("yaml" as const, "json" as const), (policies, format) => {
        expect(parsePolicies(printPolicies(policies, { format }), { format })).toEqual(policies);
      }),
      { numRuns: 600 },
    );
  });

  it("print is stable under parse", () => {
    fc.assert(
      fc.property(some(policy), (policies) => {
        const printed = printPolicies(policies);
        expect(printPolicies(parsePolicies(printed))).toBe(printed);
      }),
      { numRuns: 200 },
    );
  });

  it("no text makes the reader throw, and every problem lies in the text", () => {
    const damaged = fc
      .tuple(policy, fc.nat(), fc.nat(20), text, fc.constantFrom("yaml" as const, "json" as const))
      .map(([whole, at, length, insert, format]) => {
        const printed = printPolicies([whole], { format });
        const start = at % (printed.length + 1);
        return { format, text: printed.slice(0, start) + insert + printed.slice(start + length) };
      });
    const anything = fc.record({ format: fc.constantFrom("yaml" as const, "json" as const), text });
    fc.assert(
      fc.property(fc.oneof(damaged, anything), (input) => {
        const { policies, origins, issues } = readPolicies(input.text, { format: input.format });
        const lines = input.text.split("\n");
        expect(origins.length).toBe(policies.length);
        expect(policies.length + issues.length).toBeGreaterThan(0);
        for (const { line, column, message } of issues) {
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
          expect(message).toMatch(/^[^\n]+$/);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
