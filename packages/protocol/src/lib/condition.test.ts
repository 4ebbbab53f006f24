import { describe, expect, it } from "vitest";
import { CONDITION_KINDS, type Condition, conditionSchema } from "./condition.ts";
import { parseValue } from "./issue.ts";

/** Where and what is wrong with a value, one line each. */
function problems(value: unknown): readonly string[] {
  const parsed = parseValue(conditionSchema, value);
  return parsed.ok ? [] : parsed.issues.map((issue) => `${issue.path}: ${issue.message}`);
}

const TEXT_COMPARISONS: readonly object[] = [
  ...["eq", "neq", "contains", "notContains", "startsWith", "endsWith"].map((op) => ({ op, value: "" })),
  { op: "eq", value: "A", ignoreCase: true },
  { op: "in", value: ["a", "b"] },
  { op: "notIn", value: ["a"], ignoreCase: false },
  { op: "glob", value: "send_*" },
  { op: "glob", value: ["send_*", "?"], ignoreCase: true },
  { op: "matches", value: "^a+$" },
  { op: "longerThan", value: 0 },
  { op: "shorterThan", value: 10 },
];

const COMPARISONS: readonly object[] = [
  ...["eq", "neq", "gt", "gte", "lt", "lte"].map((op) => ({ type: "number", op, value: -1.5 })),
  ...["in", "notIn"].map((op) => ({ type: "number", op, value: [1, 2] })),
  ...TEXT_COMPARISONS.map((comparison) => ({ type: "string", ...comparison })),
  { type: "boolean", op: "eq", value: true },
  { type: "boolean", op: "neq", value: false },
  ...["a", 1, false].map((value) => ({ type: "array", op: "contains", value })),
  { type: "array", op: "notContains", value: "a" },
  { type: "array", op: "longerThan", value: 3 },
  { type: "array", op: "shorterThan", value: 0 },
  { type: "any", op: "exists" },
  { type: "any", op: "absent" },
];

const PRESENCE: readonly object[] = [{ op: "exists" }, { op: "absent" }];
const texts = (base: object): readonly object[] => [...TEXT_COMPARISONS, ...PRESENCE].map((c) => ({ ...base, ...c }));
const typed = (base: object): readonly object[] => COMPARISONS.map((comparison) => ({ ...base, ...comparison }));
const window = { days: ["mon", "sun"], start: "22:00", end: "06:00" };
const gate = { kind: "timeGate", windows: [window], timezone: "Europe/Berlin" };
const spend = { kind: "metricWindow", scope: "run", metric: "llm_cost_usd", aggregate: "sum", op: "gte", value: 5 };
const tree = { version: 1, root: { node: "literal", type: "bool", value: true } };
const leaf = { kind: "toolTag", anyOf: ["external"] };

/** Every documented form of every kind. */
const FORMS: Readonly<Record<string, readonly object[]>> = {
  toolName: texts({ kind: "toolName" }),
  toolTag: [leaf, { kind: "toolTag", allOf: ["a"], noneOf: ["b"] }],
  toolArg: [
    ...typed({ kind: "toolArg", path: "a.b" }),
    { kind: "toolArg", path: "**", in: "result", quantifier: "all", onMissing: "match", type: "any", op: "exists" },
  ],
  actor: texts({ kind: "actor", path: "metadata.tier", onMissing: "unknown" }),
  enduserTag: texts({ kind: "enduserTag", path: "group.name" }),
  runTag: texts({ kind: "runTag", tag: "env" }),
  context: typed({ kind: "context", path: "order.total", quantifier: "any", onMissing: "skip" }),
  maxCalls: [
    { kind: "maxCalls", scope: "run", max: 0 },
    ...["session", "agent", "actor", "agentActor", "group", "workspace"].map((scope) => {
      return { kind: "maxCalls", scope, max: 3, windowSeconds: 60, tool: { name: ["a", "b*"], tagsAll: ["x"] } };
    }),
  ],
  sequence: [
    { kind: "sequence", called: [{ name: "verify", outcome: "success", withinSeconds: 60 }] },
    { kind: "sequence", notCalled: [{ tagsAny: ["a"] }, {}], called: [{ tagsAll: ["b"] }] },
  ],
  executionTime: ["gt", "gte", "lt", "lte"].map((op) => ({ kind: "executionTime", scope: "run", op, valueMs: 0 })),
  timeGate: [gate, { ...gate, timezone: { actor: "metadata.timezone", fallback: "UTC" }, onMissing: "match" }],
  metricWindow: [
    spend,
    { ...spend, scope: "agent", windowSeconds: 0.5, estimate: 0.1, tool: {} },
    ...["sum", "avg", "max", "min", "count"].map((aggregate) => ({ ...spend, aggregate })),
  ],
  subject: texts({ kind: "subject", subjectType: "patient", role: "recipient", idSystem: "mrn" }),
  signal: typed({ kind: "signal", signal: "risk", onMissing: "match" }),
  sensitiveData: [
    { kind: "sensitiveData" },
    ...["args", "result", "messages", "response"].map((where) => ({
      kind: "sensitiveData",
      in: where,
      min: 2,
      path: "a",
    })),
    { kind: "sensitiveData", detectors: ["email", "payment_card"] },
  ],
  label: [
    { kind: "label", allOf: ["untrusted", "private"] },
    { kind: "label", anyOf: ["a"], noneOf: ["b"] },
  ],
  argFrom: [
    { kind: "argFrom", paths: ["to"], origins: ["prompt", "trusted", "untrusted", "unseen"], onMissing: "unknown" },
  ],
  expr: [
    { kind: "expr", lang: "cel", src: "true" },
    { kind: "expr", lang: "cel", src: "true", tree },
  ],
  custom: [
    { kind: "custom", name: "risk" },
    { kind: "custom", name: "risk", args: { a: [null, 1, "b"] } },
  ],
  and: [{ kind: "and", all: [leaf, { kind: "not", not: leaf }] }],
  or: [{ kind: "or", any: [{ kind: "or", any: [leaf] }] }],
  not: [{ kind: "not", not: { kind: "and", all: [leaf] } }],
};

const LEAF_KINDS = CONDITION_KINDS.filter((kind) => !["and", "or", "not"].includes(kind));

describe("conditionSchema", () => {
  it("has documented forms for every kind", () => {
    expect(Object.keys(FORMS)).toEqual(CONDITION_KINDS);
  });

  it.each(Object.entries(FORMS))("takes %s in all its forms, unchanged", (_kind, forms) => {
    for (const form of forms) expect(parseValue(conditionSchema, form)).toEqual({ ok: true, value: form });
  });

  it.each(Object.entries(FORMS))("names a field that %s does not have", (_kind, forms) => {
    for (const form of forms) {
      const found = parseValue(conditionSchema, { ...form, extra: 1 });
      const issues = found.ok ? [] : found.issues;
      expect(issues.map((issue) => [issue.path, issue.unknownField])).toEqual([["extra", true]]);
    }
  });

  it.each(Object.entries(FORMS))("names each field that %s needs", (_kind, forms) => {
    const [form] = forms;
    const optional = ["onMissing", "in", "quantifier", "role", "idSystem", "ignoreCase", "onMissing"];
    const alternatives = ["anyOf", "allOf", "noneOf", "called", "notCalled"];
    for (const field of Object.keys(form ?? {}).filter((key) => !optional.includes(key))) {
      const { [field]: _left, ...rest } = { ...form } as Record<string, unknown>;
      const found = problems(rest);
      expect(found).toEqual([
        alternatives.includes(field)
          ? expect.stringMatching(/^: give /)
          : expect.stringMatching(`^${field}: is required`),
      ]);
    }
  });

  it.each(LEAF_KINDS)("takes %s below and, or and not", (kind) => {
    for (const form of FORMS[kind] ?? []) {
      const nested = { kind: "and", all: [{ kind: "or", any: [{ kind: "not", not: form }] }] };
      expect(problems(nested)).toEqual([]);
      const broken = { kind: "and", all: [{ kind: "or", any: [{ kind: "not", not: { ...form, kind: "zzz" } }] }] };
      expect(problems(broken)).toEqual([
        expect.stringMatching(/^all\[0\]\.any\[0\]\.not\.kind: must be one of `toolName`, .*, not `zzz`$/),
      ]);
    }
  });

  it.each<[string, object | string, readonly string[]]>([
    [
      "a kind in another case",
      { kind: "toolarg" },
      [
        "kind: must be one of `toolName`, `toolTag`, `toolArg`, `actor`, `enduserTag`, `runTag`, `context`, `maxCalls`, `sequence`, `executionTime`, `timeGate`, `metricWindow`, `subject`, `signal`, `sensitiveData`, `label`, `argFrom`, `expr`, `custom`, `and`, `or`, `not`, not `toolarg`; did you mean `toolArg`?",
      ],
    ],
    ["text instead of a condition", "always", [": must be an object, not the text `always`"]],
    [
      "quoted numbers",
      { kind: "toolArg", path: "a", type: "number", op: "gt", value: "500" },
      ["value: must be a number, not the text `500`; write it without quotes"],
    ],
    [
      "quoted booleans",
      { kind: "toolArg", path: "a", type: "boolean", op: "eq", value: "true" },
      ["value: must be true or false, not the text `true`; write it without quotes"],
    ],
    [
      "an operator of another type",
      { kind: "toolArg", path: "a", type: "boolean", op: "gt", value: true },
      ["op: must be one of `eq`, `neq`, not `gt`"],
    ],
    [
      "an operator as a symbol",
      { kind: "toolArg", path: "a", type: "number", op: ">=", value: 1 },
      ["op: must be one of `eq`, `neq`, `gt`, `gte`, `lt`, `lte`, `in`, `notIn`, not `>=`; did you mean `gte`?"],
    ],
    [
      "a type by another name",
      { kind: "context", path: "a", type: "int", op: "gt", value: 1 },
      ["type: must be one of `number`, `string`, `boolean`, `array`, `any`, not `int`; did you mean `number`?"],
    ],
    [
      "one value where a list belongs",
      { kind: "toolName", op: "in", value: "a" },
      ["value: must be a list, not the text `a`"],
    ],
    [
      "a list where one value belongs",
      { kind: "toolName", op: "eq", value: ["a"] },
      ["value: must be text, not a list"],
    ],
    ["an empty list", { kind: "toolName", op: "in", value: [] }, ["value: must have at least one element"]],
    [
      "a type where there is none",
      { kind: "toolName", type: "string", op: "eq", value: "a" },
      ["type: unknown field; the fields here are `kind`, `op`, `value`, `ignoreCase`"],
    ],
    [
      "a value where there is none",
      { kind: "actor", path: "name", op: "exists", value: 1 },
      ["value: unknown field; the fields here are `kind`, `path`, `onMissing`, `op`"],
    ],
    [
      "an infinite number",
      { kind: "toolArg", path: "a", type: "number", op: "gt", value: Infinity },
      ["value: must be a number, not `Infinity`"],
    ],
    ["an empty path", { kind: "toolArg", path: "", type: "any", op: "exists" }, ["path: must not be empty"]],
    [
      "a path too long",
      { kind: "toolArg", path: "a".repeat(513), type: "any", op: "exists" },
      ["path: must be at most 512 characters long"],
    ],
    [
      "a regular expression too long",
      { kind: "toolName", op: "matches", value: "a".repeat(1001) },
      ["value: must be at most 1000 characters long"],
    ],
    ["half a length", { kind: "toolName", op: "longerThan", value: 1.5 }, ["value: must be a whole number, not `1.5`"]],
    ["a count below none", { kind: "maxCalls", scope: "run", max: -1 }, ["max: must be at least 0"]],
    [
      "a shared count without a window",
      { kind: "maxCalls", scope: "actor", max: 1 },
      ["windowSeconds: is required for every scope but `run`"],
    ],
    [
      "a shared metric without a window",
      { ...spend, scope: "group" },
      ["windowSeconds: is required for every scope but `run`"],
    ],
    ["an empty window", { ...spend, windowSeconds: 0 }, ["windowSeconds: must be more than 0"]],
    ["a window over a year", { ...spend, windowSeconds: 1e9 }, ["windowSeconds: must be at most 31622400"]],
    [
      "a metric in camel case",
      { ...spend, metric: "llmCostUsd" },
      ["metric: use lower-case letters, digits and `_`, starting with a letter"],
    ],
    [
      "a scope by another name",
      { ...spend, scope: "user" },
      [
        "scope: must be one of `run`, `session`, `agent`, `actor`, `agentActor`, `group`, `workspace`, not `user`; did you mean `actor`?",
      ],
    ],
    [
      "a day written out",
      { ...gate, windows: [{ ...window, days: ["monday"] }] },
      [
        "windows[0].days[0]: must be one of `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`, not `monday`; did you mean `mon`?",
      ],
    ],
    [
      "an hour that does not exist",
      { ...gate, windows: [{ ...window, end: "24:01" }] },
      ["windows[0].end: use `HH:MM` from 00:00 to 24:00"],
    ],
    ["a number as a zone", { ...gate, timezone: 2 }, ["timezone: must be text or an object, not `2`"]],
    [
      "a misspelt zone source",
      { ...gate, timezone: { actr: "metadata.tz" } },
      ["timezone.actor: is required; give text", "timezone.actr: unknown field; did you mean `actor`?"],
    ],
    [
      "an unknown detector",
      { kind: "sensitiveData", detectors: ["emails"] },
      [
        expect.stringMatching(
          /^detectors\[0\]: must be one of `email`, .* and others, not `emails`; did you mean `email`\?$/,
        ),
      ],
    ],
    ["no tags at all", { kind: "label" }, [": give at least one of `anyOf`, `allOf` and `noneOf`"]],
    [
      "a tag with white space around it",
      { kind: "label", anyOf: [" a"] },
      ["anyOf[0]: must not start or end with white space"],
    ],
    [
      "an origin that does not exist",
      { kind: "argFrom", paths: ["to"], origins: ["user"] },
      ["origins[0]: must be one of `prompt`, `trusted`, `untrusted`, `unseen`, not `user`"],
    ],
    ["another expression language", { kind: "expr", lang: "rego", src: "true" }, ["lang: must be `cel`, not `rego`"]],
    [
      "arguments that JSON cannot hold",
      { kind: "custom", name: "a", args: [1, new Date(0)] },
      ["args[1]: must be plain JSON, not an instance of a class"],
    ],
    ["one condition where a list belongs", { kind: "and", all: leaf }, ["all: must be a list, not an object"]],
    ["a list where one condition belongs", { kind: "not", not: [leaf] }, ["not: must be an object, not a list"]],
    [
      "everything wrong in two branches",
      { kind: "or", any: [{ kind: "label" }, { kind: "not" }] },
      ["any[0]: give at least one of `anyOf`, `allOf` and `noneOf`", "any[1].not: is required; give an object"],
    ],
  ])("refuses %s", (_what, value, expected) => {
    expect(problems(value)).toEqual(expected);
  });

  it("types a condition as it parses it", () => {
    const parsed: Condition = conditionSchema.parse(leaf);
    expect(parsed).toEqual(leaf);
  });
});
