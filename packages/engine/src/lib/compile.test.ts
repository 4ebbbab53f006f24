import { type Condition, HandlebarError, type Policy, type Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";
import { policyOf, ruleOf } from "./facts.fixture.ts";

/** The code, field and message of the error that compiling gives. */
function errorOf(
  policies: readonly Policy[],
): { code: string; field: string | undefined; message: string } | undefined {
  try {
    compile(policies);
    return undefined;
  } catch (error) {
    if (!HandlebarError.is(error)) throw error;
    return { code: error.code, field: error.field, message: error.message };
  }
}
const errorOfRule = (change: Partial<Rule>): ReturnType<typeof errorOf> => errorOf([policyOf([ruleOf(change)])]);
const errorOfCondition = (when: object): ReturnType<typeof errorOf> => errorOfRule({ when: when as Condition });

describe("compile", () => {
  it("fills in ids from names", () => {
    const rules: Rule[] = [
      { name: "Large refunds, EU", on: "tool.before", effect: { type: "block" } },
      { name: "x", id: "own", on: "tool.before", effect: { type: "block" } },
    ];
    const { policies } = compile([{ name: "Refund Rules!", rules }]);
    expect(policies.map((policy) => [policy.id, policy.rules.map((rule) => rule.id)])).toEqual([
      ["refund-rules", ["refund-rules/large-refunds-eu", "own"]],
    ]);
    expect(rules[0]).not.toHaveProperty("id");
  });

  it("refuses ids that are there twice", () => {
    expect(errorOf([policyOf([]), policyOf([])])).toEqual({
      code: "HB_POLICY_DUPLICATE_ID",
      field: "policies[1].id",
      message: "HB_POLICY_DUPLICATE_ID: two policies have the id `p`; give each its own `id` or name",
    });
    expect(errorOf([policyOf([ruleOf(), ruleOf()])])).toEqual({
      code: "HB_POLICY_DUPLICATE_ID",
      field: "policies[0].rules[1].id",
      message: "HB_POLICY_DUPLICATE_ID: two rules of policy `p` have the id `r`; give each its own `id` or name",
    });
    expect(errorOf([policyOf([ruleOf({ id: "p#default" })])])?.code).toBe("HB_POLICY_DUPLICATE_ID");
    expect(errorOf([policyOf([ruleOf()]), policyOf([ruleOf()], { id: "q" })])).toBeUndefined();
  });

  it("names policy, rule, field and fix", () => {
    const arg = { kind: "toolArg", path: "x", type: "string", op: "matches", value: "(?=a)" };
    expect(errorOfCondition({ kind: "and", all: [{ kind: "not", not: arg }] })).toEqual({
      code: "HB_POLICY_REGEX_INVALID",
      field: "policies[0].rules[0].when.all[0].not.value",
      message:
        "HB_POLICY_REGEX_INVALID: policies[0].rules[0].when.all[0].not.value (policy `p`, rule `r`): `(?=a)` is not a " +
        "regular expression of RE2 syntax: invalid or unsupported Perl syntax: `(?=`; no look-around and no back-references",
    });
  });

  const wrong: readonly (readonly [code: string, field: string, when: object])[] = [
    ["HB_POLICY_PATH_INVALID", ".path", { kind: "toolArg", path: "a..b", type: "any", op: "exists" }],
    ["HB_POLICY_PATH_INVALID", ".path", { kind: "toolArg", path: "**", type: "array", op: "longerThan", value: 1 }],
    ["HB_POLICY_PATH_INVALID", ".path", { kind: "actor", path: "tier", op: "exists" }],
    ["HB_POLICY_PATH_INVALID", ".path", { kind: "actor", path: "metadata", op: "exists" }],
    ["HB_POLICY_PATH_INVALID", ".path", { kind: "enduserTag", path: "group.group.name", op: "exists" }],
    ["HB_POLICY_PATH_INVALID", ".path", { kind: "sensitiveData", path: "[" }],
    [
      "HB_POLICY_TIMEZONE_UNKNOWN",
      ".timezone",
      { kind: "timeGate", windows: [{ days: ["mon"], start: "09:00", end: "10:00" }], timezone: "Mars/Base" },
    ],
    [
      "HB_POLICY_TIMEZONE_UNKNOWN",
      ".timezone.fallback",
      {
        kind: "timeGate",
        windows: [{ days: ["mon"], start: "09:00", end: "10:00" }],
        timezone: { actor: "metadata.tz", fallback: "X" },
      },
    ],
    [
      "HB_POLICY_PATH_INVALID",
      ".timezone.actor",
      { kind: "timeGate", windows: [{ days: ["mon"], start: "09:00", end: "10:00" }], timezone: { actor: "tz" } },
    ],
    ["HB_POLICY_INVALID", ".windowSeconds", { kind: "maxCalls", scope: "agent", max: 1 }],
    ["HB_POLICY_LIMIT", ".called[0].name", { kind: "sequence", called: [{ name: "x".repeat(300) }] }],
    ["HB_POLICY_INVALID", ".kind", { kind: "nope" }],
    ["HB_POLICY_INVALID", ".kind", { kind: "toString" }],
    ["HB_POLICY_INVALID", ".all", { kind: "and", all: [] }],
  ];
  it.each(wrong)("refuses %s at %s", (code, field, when) => {
    expect(errorOfCondition(when)).toMatchObject({ code, field: `policies[0].rules[0].when${field}` });
  });

  it("refuses a glob that is too long and a path of a redaction that is none", () => {
    expect(errorOfRule({ tool: { name: "x".repeat(300) } })).toMatchObject({
      code: "HB_POLICY_LIMIT",
      field: "policies[0].rules[0].tool.name",
    });
    const redact = [{ detectors: ["email" as const] }, { paths: ["ok", "["] }];
    expect(errorOfRule({ effect: { type: "redact", redact } })).toMatchObject({
      code: "HB_POLICY_PATH_INVALID",
      field: "policies[0].rules[0].effect.redact[1].paths[1]",
    });
  });

  it("bounds the depth and size of conditions", () => {
    const leaf: Condition = { kind: "toolName", op: "exists" };
    const nest = (levels: number): Condition => (levels === 0 ? leaf : { kind: "not", not: nest(levels - 1) });
    expect(errorOfCondition(nest(31))).toBeUndefined();
    expect(errorOfCondition(nest(32))?.code).toBe("HB_POLICY_LIMIT");
    const wide = (count: number): Condition => ({ kind: "or", any: Array.from({ length: count }, () => leaf) });
    const wider = (groups: number, size: number): Condition => ({
      kind: "and",
      all: Array.from({ length: groups }, () => wide(size)),
    });
    expect(errorOfCondition(wider(4, 120))).toBeUndefined();
    expect(errorOfCondition(wider(4, 125))?.code).toBe("HB_POLICY_LIMIT");
  });

  it("bounds the number of rules", () => {
    const rules = Array.from({ length: 10_000 }, (_, at) => ruleOf({ id: `r${at}` }));
    const many = Array.from({ length: 11 }, (_, at) => policyOf(rules, { id: `p${at}` }));
    expect(errorOf(many)).toEqual({
      code: "HB_POLICY_LIMIT",
      field: "policies",
      message: "HB_POLICY_LIMIT: there are 110000 rules; use at most 100000",
    });
  });
});
