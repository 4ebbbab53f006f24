import type { Condition, Policy, Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "../compile.ts";
import { policyOf, ruleOf } from "../facts.fixture.ts";
import { codes, lines, onRefund, over } from "./check-policies.fixture.ts";
import { checkPolicies } from "./check-policies.ts";

const under = (value: number): Condition => ({ kind: "toolArg", path: "amount", type: "number", op: "lt", value });

describe("checkPolicies: errors", () => {
  it("finds nothing in a good policy", () => {
    expect(checkPolicies([policyOf([onRefund({ when: over(500) })])])).toEqual([]);
  });

  it("says all that compiling would say, with the place", () => {
    const when: Condition = {
      kind: "and",
      all: [
        { kind: "toolArg", path: "a..b", type: "any", op: "exists" },
        { kind: "or", any: [{ kind: "toolName", op: "matches", value: "(?=x)" }, over(1)] },
        {
          kind: "not",
          not: { kind: "timeGate", windows: [{ days: ["mon"], start: "09:00", end: "17:00" }], timezone: "Mars" },
        },
        { kind: "expr", lang: "cel", src: "args.amount >" },
      ],
    };
    const bad = policyOf([
      onRefund({ when }),
      onRefund({ id: "s", effect: { type: "allow" }, when: { kind: "argFrom", paths: ["to"], origins: ["prompt"] } }),
      onRefund({ id: "s", effect: { type: "redact", redact: [{ paths: ["x", "[]]"] }] } }),
    ]);
    const found = checkPolicies([bad]);
    const errors = found.filter(({ severity }) => severity === "error");
    expect(errors.map(({ code, ruleId, keys }) => `${code} ${ruleId} ${keys.join(".")}`)).toEqual([
      "HB_POLICY_PATH_INVALID r rules.0.when.all.0.path",
      "HB_POLICY_REGEX_INVALID r rules.0.when.all.1.any.0.value",
      "HB_POLICY_TIMEZONE_UNKNOWN r rules.0.when.all.2.not.timezone",
      "HB_POLICY_EXPR_INVALID r rules.0.when.all.3.src",
      "HB_POLICY_ARG_FROM_RELAXES s rules.1.when",
      "HB_POLICY_PATH_INVALID s rules.2.effect.redact.0.paths.1",
      "HB_POLICY_DUPLICATE_ID s rules.2.id",
    ]);
    expect(errors[2]).toEqual({
      severity: "error",
      code: "HB_POLICY_TIMEZONE_UNKNOWN",
      policyId: "p",
      ruleId: "r",
      keys: ["rules", 0, "when", "all", 2, "not", "timezone"],
      message: "`Mars` is not a time zone",
      fix: "use an IANA name such as `Europe/Berlin`",
    });
  });

  it("says what is wrong with sources and with the whole", () => {
    const flow: Policy["flow"] = {
      labels: ["a"],
      sources: [
        { add: ["b"], fields: ["x..y"], tool: { name: "x".repeat(300) } },
        { add: ["a"], when: over(1) },
      ],
    };
    expect(codes([policyOf([onRefund({ when: { kind: "label", allOf: ["c"] } })], { flow })]).slice(0, 4)).toEqual([
      "LABEL_UNKNOWN flow.sources.0.add.0",
      "PATH_INVALID flow.sources.0.fields.0",
      "LIMIT flow.sources.0.tool.name",
      "LABEL_UNKNOWN rules.0.when",
    ]);
    let deep: Condition = over(1);
    for (let depth = 0; depth < 40; depth += 1) deep = { kind: "not", not: deep };
    expect(codes([policyOf([onRefund({ when: deep })])])[0]).toMatch(/^LIMIT rules\.0\.when/);
    const labels = Array.from({ length: 32 }, (_, at) => `l${at}`);
    const many = policyOf([onRefund({ when: { kind: "label", anyOf: labels } })], {
      flow: { sources: [{ add: labels }] },
    });
    expect(codes([many])).toEqual(["LIMIT rules.0.when"]);
    expect(codes([policyOf([]), policyOf([])])).toEqual(["DUPLICATE_ID id"]);
    expect(checkPolicies([policyOf([]), policyOf([])])[0]).not.toHaveProperty("ruleId");
  });

  it.each<[string, Partial<Rule>, readonly string[]]>([
    ["a tool selector", { on: "llm.before", tool: { name: "x" } }, ["PHASE_IMPOSSIBLE rules.0.tool"]],
    ["arguments", { on: "llm.after", when: over(1) }, ["PHASE_IMPOSSIBLE rules.0.when.kind"]],
    [
      "a result",
      { when: { kind: "toolArg", in: "result", path: "a", type: "any", op: "exists" } },
      ["PHASE_IMPOSSIBLE rules.0.when.in"],
    ],
    [
      "the call's time",
      { when: { kind: "executionTime", scope: "call", op: "gt", valueMs: 1 } },
      ["PHASE_IMPOSSIBLE rules.0.when.scope"],
    ],
    ["messages", { when: { kind: "sensitiveData", in: "messages" } }, ["PHASE_IMPOSSIBLE rules.0.when.in"]],
  ])("refuses %s in phases without it", (_, change, expected) => {
    const found = checkPolicies([policyOf([ruleOf(change)])]);
    expect(found.filter(({ severity }) => severity === "error")).toHaveLength(1);
    expect(codes([policyOf([ruleOf(change)])])).toEqual(expected);
  });

  it("warns where only some phases have it, and lets be what fits", () => {
    const when: Condition = { kind: "sensitiveData", in: "result" };
    expect(lines([policyOf([ruleOf({ on: ["tool.before", "tool.after"], when })])])).toEqual([
      "W PHASE_IMPOSSIBLE rules.0.when.in: there is no such thing in tool.before as `in: result`; split the rule by phase; use it in tool.after alone",
    ]);
    expect(codes([policyOf([ruleOf({ on: "tool.after", when })])])).toEqual([]);
  });

  it("has an error exactly where compiling fails", () => {
    const policies = [
      policyOf([onRefund({ when: over(1) })]),
      policyOf([ruleOf({ when: { kind: "toolName", op: "matches", value: "(" } })], { id: "q" }),
    ];
    expect(() => compile(policies)).toThrow("HB_POLICY_REGEX_INVALID");
    expect(codes(policies)).toEqual(["REGEX_INVALID rules.0.when.value"]);
  });
});

describe("checkPolicies: conditions", () => {
  it.each<[string, Condition]>([
    ["an empty interval", { kind: "and", all: [over(5), under(3)] }],
    ["text that cannot start so", { kind: "and", all: [{ kind: "toolName", op: "startsWith", value: "x" }, over(1)] }],
    [
      "a name and its absence",
      {
        kind: "and",
        all: [
          { kind: "actor", path: "name", op: "absent" },
          { kind: "actor", path: "name", op: "eq", value: "x" },
        ],
      },
    ],
    ["a label and its absence", { kind: "label", allOf: ["a"], noneOf: ["a"] }],
    [
      "an opaque condition and its negation",
      {
        kind: "and",
        all: [
          { kind: "custom", name: "f" },
          { kind: "not", not: { kind: "custom", name: "f" } },
        ],
      },
    ],
  ])("says that %s can never be true", (_, when) => {
    const found = codes([policyOf([onRefund({ when })], { flow: { sources: [{ add: ["a"] }] } })]);
    expect(found).toContain("NEVER_TRUE rules.0.when");
  });

  it.each<[string, Condition, string]>([
    ["a tautology", { kind: "or", any: [over(3), { kind: "not", not: over(3) }] }, "rules.0.when"],
    ["the selector's own name", { kind: "toolName", op: "glob", value: "ref*" }, "rules.0.when"],
    ["maxCalls of none", { kind: "maxCalls", scope: "run", max: 0 }, "rules.0.when"],
    [
      "a count from nothing up",
      { kind: "metricWindow", scope: "run", metric: "bytes_in", aggregate: "count", op: "gte", value: 0 },
      "rules.0.when",
    ],
    [
      "the whole week",
      {
        kind: "timeGate",
        timezone: "Europe/Berlin",
        windows: [{ days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start: "00:00", end: "24:00" }],
      },
      "rules.0.when",
    ],
  ])("says that %s can never be false", (_, when, where) => {
    expect(codes([policyOf([onRefund({ when })])])).toEqual([`ALWAYS_TRUE ${where}`]);
  });

  it("says nothing about what may or may not be", () => {
    const when: Condition = {
      kind: "and",
      all: [over(5), under(7), { kind: "toolName", op: "contains", value: "fun" }],
    };
    expect(codes([policyOf([onRefund({ when }), onRefund({ id: "s", when: under(6) })])])).toEqual([]);
  });

  it("gives up on what is too large, quickly", () => {
    const pair = (at: number): Condition => ({
      kind: "or",
      any: [
        { kind: "custom", name: `a${at}` },
        { kind: "custom", name: `b${at}` },
      ],
    });
    const when: Condition = { kind: "and", all: Array.from({ length: 100 }, (_, at) => pair(at)) };
    expect(codes([policyOf([onRefund({ when })])])).toEqual([]);
  });
});

describe("checkPolicies: rules", () => {
  it("finds rules that another covers", () => {
    const policy = policyOf([
      onRefund({ when: over(500) }),
      onRefund({ id: "narrow", when: over(900) }),
      onRefund({
        id: "held",
        effect: { type: "hitl" },
        when: { kind: "and", all: [over(500), { kind: "custom", name: "f" }] },
      }),
    ]);
    expect(lines([policy])).toEqual([
      "W RULE_SHADOWED rules.1: changes nothing: rule `r` matches every call that it matches; remove it, or correct one of the two",
      "W RULE_SHADOWED rules.2: changes nothing: rule `r` matches every call that it matches; remove it, or correct one of the two",
    ]);
    const other = policyOf([onRefund({ id: "x", when: over(600) })], { id: "q" });
    expect(lines([policyOf([onRefund({ when: over(500) })]), other])[0]).toContain("rule `r` of policy `p` matches");
  });

  it("does not call a rule superfluous that still does something", () => {
    const wide = onRefund({ when: over(500) });
    const narrow = (change: Partial<Rule>, policy?: Partial<Policy>): readonly string[] =>
      codes([policyOf([wide], policy), policyOf([onRefund({ id: "n", when: over(900), ...change })], { id: "q" })]);
    expect(narrow({})).toEqual(["RULE_SHADOWED rules.0"]);
    expect(narrow({ priority: 1 })).toEqual([]);
    expect(narrow({ effect: { type: "block", control: "TERMINATE" } })).toEqual([]);
    expect(narrow({ on: ["tool.before", "tool.after"] })).toEqual([]);
    expect(narrow({ tool: { name: "ref*" } })).toEqual([]);
    expect(narrow({}, { mode: "shadow" })).toEqual([]);
    expect(narrow({}, { enabled: false })).toEqual([]);
    expect(narrow({}, { agents: { anyOfSlugs: ["a"] } })).toEqual([]);
    expect(narrow({ when: over(400), tool: undefined })).toEqual(["RULE_SHADOWED rules.0"]);
    expect(narrow({ when: { kind: "toolArg", path: "total", type: "number", op: "gt", value: 900 } })).toEqual([]);
    const held = onRefund({ effect: { type: "hitl" }, when: over(1) });
    const redact = onRefund({ id: "n", effect: { type: "redact", redact: [{ paths: ["a"] }] }, when: over(2) });
    expect(codes([policyOf([held, redact])])).toEqual([]);
  });

  it("finds duplicates", () => {
    const again = onRefund({ id: "again", name: "other", when: over(500), effect: { type: "block", reason: "other" } });
    expect(lines([policyOf([onRefund({ when: over(500) }), again])])).toEqual([
      "W DUPLICATE_RULE rules.1: says the same as rule `r`; remove one of the two",
    ]);
  });

  it("finds rules for everything and `allow` for nothing", () => {
    expect(codes([policyOf([ruleOf({ tool: { name: "*" } })])])).toEqual(["BLOCKS_EVERYTHING rules.0.effect.type"]);
    const allow = onRefund({ effect: { type: "allow" }, when: over(1) });
    expect(codes([policyOf([allow])])).toEqual(["ALLOW_USELESS rules.0.effect.type"]);
    expect(codes([policyOf([allow], { default: "block" })])).toEqual([]);
  });

  it("finds labels without source or test", () => {
    const flow: Policy["flow"] = { labels: ["private", "privat", "unused"], sources: [{ add: ["private"] }] };
    expect(lines([policyOf([onRefund({ when: { kind: "label", anyOf: ["privat"] } })], { flow })])).toEqual([
      "W LABEL_UNTESTED flow.labels.2: the label `unused` is declared and never used; remove it, or use it",
      "W LABEL_UNTESTED flow.sources.0.add.0: no rule tests the label `private`; did you mean `privat`?",
      "W LABEL_WITHOUT_SOURCE rules.0.when.anyOf.0: nothing adds the label `privat`; did you mean `private`?",
    ]);
  });
});
