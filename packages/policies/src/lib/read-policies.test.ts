import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { formatIssue } from "./file-issue.ts";
import { parsePolicies, readPolicies } from "./read-policies.ts";

const REFUNDS = `name: refunds
agents: { anyOfSlugs: [support] }
mode: enforce
rules:
  - name: large refunds need a person
    on: tool.before
    tool: { name: refund }
    when: { kind: toolArg, path: amount, type: number, op: gt, value: 500 }
    effect: { type: hitl, reason: refunds above 500 need approval }
`;

const REFUNDS_POLICY = {
  name: "refunds",
  agents: { anyOfSlugs: ["support"] },
  mode: "enforce",
  rules: [
    {
      name: "large refunds need a person",
      on: "tool.before",
      tool: { name: "refund" },
      when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
      effect: { type: "hitl", reason: "refunds above 500 need approval" },
    },
  ],
};

/** Every issue of a text, one per line. */
function problems(text: string, file = "p.yaml"): readonly string[] {
  return readPolicies(text, { file }).issues.map(formatIssue);
}

describe("parsePolicies", () => {
  it("reads one policy in YAML", () => {
    expect(parsePolicies(REFUNDS)).toEqual([REFUNDS_POLICY]);
  });

  it("reads several documents, and several policies below `policies`", () => {
    const text = `${REFUNDS}---\n# nothing here\n---\npolicies:\n  - { name: a, rules: [] }\n  - { name: b, rules: [] }\n`;
    expect(parsePolicies(text).map((policy) => policy.name)).toEqual(["refunds", "a", "b"]);
  });

  it("reads JSON by extension, by option, and as YAML", () => {
    const text = JSON.stringify(REFUNDS_POLICY, undefined, "\t");
    expect(parsePolicies(text, { file: "refunds.JSON" })).toEqual([REFUNDS_POLICY]);
    expect(parsePolicies(text, { format: "json" })).toEqual([REFUNDS_POLICY]);
    expect(parsePolicies(text)).toEqual([REFUNDS_POLICY]);
  });

  it("leaves out `$schema`, a byte order mark and carriage returns", () => {
    const yaml = `\ufeff$schema: ./policy.schema.json\r\n${REFUNDS.replaceAll("\n", "\r\n")}`;
    expect(parsePolicies(yaml)).toEqual([REFUNDS_POLICY]);
    const json = `\ufeff${JSON.stringify({ $schema: "x", policies: [REFUNDS_POLICY] })}`;
    expect(parsePolicies(json, { format: "json" })).toEqual([REFUNDS_POLICY]);
  });

  it("keeps `on`, dates and times as text", () => {
    const text = `name: 2024-01-31\nrules:\n  - { name: on, on: tool.before, effect: { type: block, reason: yes } }\n`;
    expect(parsePolicies(text)).toEqual([
      { name: "2024-01-31", rules: [{ name: "on", on: "tool.before", effect: { type: "block", reason: "yes" } }] },
    ]);
  });

  it("writes out aliases", () => {
    const text = `name: a
rules:
  - { name: one, on: tool.before, when: &night { kind: runTag, tag: shift, op: eq, value: night }, effect: { type: block } }
  - { name: two, on: tool.after, when: *night, effect: { type: block } }
`;
    const when = { kind: "runTag", tag: "shift", op: "eq", value: "night" };
    expect(parsePolicies(text)[0]?.rules.map((rule) => rule.when)).toEqual([when, when]);
  });

  it("throws one error that lists every problem", () => {
    const text = `name: refunds
mod: enforce
rules:
  - name: large
    on: tool.befor
    when: { kind: toolArg, path: amount, type: number, op: greater, value: 500 }
    effect: { type: block }
`;
    const thrown = caught(() => parsePolicies(text, { file: "policies/refunds.yaml" }));
    expect(thrown.code).toBe("HB_POLICY_INVALID");
    expect(thrown.field).toBe("mod");
    expect(thrown.message.split("\n")).toEqual([
      "HB_POLICY_INVALID: 3 problems; correct each line below",
      "policies/refunds.yaml:2:1 mod: unknown field; did you mean `mode`?",
      "policies/refunds.yaml:5:9 rules[0].on: must be one of `tool.before`, `tool.after`, `llm.before`, `llm.after`, not `tool.befor`; did you mean `tool.before`?",
      "policies/refunds.yaml:6:60 rules[0].when.op: must be one of `eq`, `neq`, `gt`, `gte`, `lt`, `lte`, `in`, `notIn`, not `greater`; did you mean `gt`?",
    ]);
    expect(thrown.details["issues"]).toEqual([
      {
        file: "policies/refunds.yaml",
        line: 2,
        column: 1,
        path: "mod",
        code: "HB_POLICY_UNKNOWN_FIELD",
        message: "unknown field; did you mean `mode`?",
        fix: "did you mean `mode`?",
      },
      expect.objectContaining({ line: 5, column: 9, path: "rules[0].on", code: "HB_POLICY_INVALID" }),
      expect.objectContaining({ line: 6, column: 60, path: "rules[0].when.op", fix: "did you mean `gt`?" }),
    ]);
  });

  it("takes the issues' own code where they agree", () => {
    expect(caught(() => parsePolicies("name: [")).code).toBe("HB_POLICY_SYNTAX");
    expect(caught(() => parsePolicies("name: a\nrules: []\nxyz: 1")).code).toBe("HB_POLICY_UNKNOWN_FIELD");
  });
});

describe("readPolicies", () => {
  it("keeps the policies that are right", () => {
    const reading = readPolicies(`name: good\nrules: []\n---\nname: bad\n---\nname: [\n---\nname: fine\nrules: []\n`);
    expect(reading.policies).toEqual([
      { name: "good", rules: [] },
      { name: "fine", rules: [] },
    ]);
    expect(reading.issues.map((issue) => [issue.line, issue.code])).toEqual([
      [4, "HB_POLICY_INVALID"],
      [7, "HB_POLICY_SYNTAX"],
    ]);
  });

  it("says where a policy's fields stand", () => {
    const [, second] = readPolicies(
      `policies:\n  - name: a\n    rules: []\n  - name: b\n    rules:\n      - name: r\n        on: tool.before\n        effect: { type: block }\n`,
      { file: "p.yaml" },
    ).origins;
    expect(second?.placeOf(["rules", 0, "effect", "type"])).toEqual({
      file: "p.yaml",
      line: 8,
      column: 25,
      path: "policies[1].rules[0].effect.type",
    });
    expect(second?.placeOf(["rules", 0, "when"])).toEqual({
      file: "p.yaml",
      line: 6,
      column: 9,
      path: "policies[1].rules[0].when",
    });
  });

  it.each([
    ["", "p.yaml:1:1 holds no policy; write a policy: `name` and `rules`"],
    ["# only a comment\n", "p.yaml:1:1 holds no policy; write a policy: `name` and `rules`"],
    ["- name: a", "p.yaml:1:1 must be an object, not a list"],
    ["policies: []", "p.yaml:1:11 policies: must be a list with at least one policy"],
    [
      "policies: [{ name: a, rules: [] }]\nname: b",
      "p.yaml:2:1 name: unknown field; beside `policies` there is none; move it into a policy",
    ],
    ["name: a\nname: b\nrules: []", "p.yaml:2:1 field `name` occurs twice; remove one of them"],
    ["name: a\nrules: !all []", "p.yaml:2:8 tags such as `!name` are not read here; remove the tag"],
    ["name: !!binary aGk=\nrules: []", "p.yaml:1:7 tags such as `!name` are not read here; remove the tag"],
    ["name: &a [*a]\nrules: []", "p.yaml:1:11 alias `*a` stands inside what it refers to; write the value out"],
    [
      "name: *a\nrules: []",
      "p.yaml:1:7 alias `*a` refers to an anchor that does not come before it; write the value out",
    ],
    [
      "%YAML 1.1\n---\nname: a\nrules: []",
      "p.yaml:1:10 only YAML 1.2 is read, and this document says `%YAML 1.1`; remove that line",
    ],
    ["name: a\nrules: []\n[a]: 1", "p.yaml:3:1 the name of a field must be text; write it out"],
    [
      "name: a: b\nrules: []",
      "p.yaml:1:7 a second `name: value` stands on one line; put text that contains `: ` in quotes, or check the indentation",
    ],
    ["name: a\nrules:\n\t- b", "p.yaml:3:1 a tab is used as indentation; indent with spaces"],
    ["name: @a\nrules: []", "p.yaml:1:7 text cannot start with this character; put the value in quotes"],
    ["name: a\n__proto__: 1\nrules: []", "p.yaml:2:1 a field cannot be named `__proto__`; rename or remove it"],
    [
      "name: a\nrules: 9007199254740993",
      "p.yaml:2:8 `9007199254740993` is too large to be held exactly; put it in quotes, or write a smaller number",
    ],
    [
      "<<: { name: a }\nname: b\nrules: []",
      'p.yaml:1:1 ["<<"]: unknown field; the fields here are `id`, `name`, `description`, `enabled`, `mode`, `agents`, `default`, `flow`, `rules`',
    ],
  ])("reports %j", (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  it.each([
    ["", "p.json:1:1 holds no policy; write a policy: `name` and `rules`"],
    ['{"name": "a",}', "p.json:1:14 there is a comma after the last element; remove it"],
    ['{"name": "a" // why\n}', "p.json:1:14 JSON has no comments; remove it, or write the file in YAML"],
    ["{\"name\": 'a'}", "p.json:1:10 expected a value, and found `'`"],
    ['{name: "a"}', "p.json:1:2 expected a field name in double quotes, and found `n`"],
    ['{"name": a}', "p.json:1:10 `a` is not a JSON value; put text in double quotes"],
    ['{"name" "a"}', 'p.json:1:9 expected `:`, and found `"`'],
    ['{"name": "a"', "p.json:1:13 expected `,` or `}`, and found the end of the text"],
    ['{"name": "a', "p.json:1:10 this text has no closing quote"],
    [
      '{"name": "\\x"}',
      "p.json:1:10 this text holds a line break, a tab or an escape that JSON does not have; write `\\n`, `\\t`, `\\\\`",
    ],
    ['{\n  "name": "a",\n  "name": "b", "rules": []\n}', "p.json:3:3 field `name` occurs twice; remove one of them"],
    ['{"name": "a"} {}', "p.json:1:15 there is more text after the end of the JSON value; remove it"],
    ['{"name": 1e999}', "p.json:1:10 `1e999` is too large; put it in quotes, or write a smaller number"],
    ['{"name": "a", "rules": [1]}', "p.json:1:25 rules[0]: must be an object, not `1`"],
  ])("reports %j as JSON", (text, problem) => {
    expect(problems(text, "p.json")).toEqual([problem]);
  });
});

describe("the bounds of a file", () => {
  const tooDeep = "[".repeat(101) + "]".repeat(101);

  it.each([
    [
      "text",
      `name: ${"a".repeat(16_777_216)}`,
      "p.yaml:1:1 longer than 16777216 characters; split it into several files",
    ],
    ["documents", "---\n".repeat(1_001), "p.yaml:1001:1 more than 1000 documents in one file; split or simplify it"],
    ["depth", tooDeep, "p.yaml:1:101 nested deeper than 100 levels; split or simplify it"],
    [
      "depth that the parser itself cannot take",
      "[".repeat(50_000),
      /^p\.yaml:1:\d+ nested deeper than 100 levels; split or simplify it$/,
    ],
    [
      "aliases",
      `a: &a 1\nb: [${"*a, ".repeat(101)}]`,
      "p.yaml:2:405 more than 100 aliases in one document; split or simplify it",
    ],
    [
      "values, aliases written out",
      [
        "a: &a [x, x, x, x, x, x, x, x, x, x]",
        ..."bcdefg".split("").map((name, i) => `${name}: &${name} [${Array(10).fill(`*${"abcdefg"[i]}`).join(", ")}]`),
      ].join("\n"),
      "p.yaml:6:7 more than 1000000 values, aliases written out; split or simplify it",
    ],
  ])("refuses too much %s", (_what, text, problem) => {
    const [first] = readPolicies(text, { file: "p.yaml" }).issues;
    expect(first === undefined ? "" : formatIssue(first)).toEqual(
      typeof problem === "string" ? problem : expect.stringMatching(problem),
    );
    expect(first?.code).toBe("HB_POLICY_LIMIT");
  });

  it("refuses depth in JSON", () => {
    expect(problems(tooDeep, "p.json")).toEqual(["p.json:1:101 nested deeper than 100 levels; split or simplify it"]);
  });

  it("reads a text as large as its bound", () => {
    const description = "x".repeat(16_000_000);
    const text = JSON.stringify({ name: "a", description, rules: [] });
    expect(problems(text, "p.json")).toEqual(["p.json:1:27 description: must be at most 4096 characters long"]);
  });

  it("counts problems beyond the hundredth instead of listing them", () => {
    const rules = Array.from({ length: 150 }, () => "  - {}").join("\n");
    const { issues } = readPolicies(`name: a\nrules:\n${rules}\n`);
    expect(issues.length).toBe(100);
    expect(issues.at(-1)?.message).toBe("and 351 more problems; correct those above first");
  });
});

function caught(run: () => unknown): HandlebarError {
  try {
    run();
  } catch (error) {
    if (HandlebarError.is(error)) return error;
    throw error;
  }
  throw new Error("expected an error");
}
