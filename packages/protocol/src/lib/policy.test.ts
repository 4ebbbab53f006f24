import { describe, expect, it } from "vitest";
import { parseValue } from "./issue.ts";
import { EFFECT_TYPES, policyFileSchema, policySchema } from "./policy.ts";

function problems(value: unknown): readonly string[] {
  const parsed = parseValue(policySchema, value);
  return parsed.ok ? [] : parsed.issues.map((issue) => `${issue.path}: ${issue.message}`);
}

const RULE = { name: "r", on: "tool.before", effect: { type: "block" } };
const withRule = (fields: object): object => ({ name: "p", rules: [{ ...RULE, ...fields }] });
const withEffect = (effect: object): object => withRule({ effect });
const withFlow = (flow: object): object => ({ name: "p", rules: [], flow });

describe("policySchema", () => {
  it.each<[string, object]>([
    ["the least", { name: "p", rules: [] }],
    [
      "everything",
      {
        id: "p1",
        name: "p",
        description: "",
        enabled: false,
        mode: "shadow",
        agents: { anyOfSlugs: ["support"], anyOfTags: ["a"], allOfTags: ["b"] },
        default: "block",
        flow: {
          labels: ["untrusted"],
          sources: [
            {
              tool: { name: "read_*" },
              fields: ["items[].note", "freeText"],
              when: { kind: "toolTag", anyOf: ["web"] },
              add: ["untrusted"],
            },
            { trust: "trusted" },
          ],
          strict: true,
          defaultTrust: "untrusted",
          scope: "session",
        },
        rules: [
          {
            id: "r1",
            name: "r",
            description: "",
            enabled: true,
            priority: -5,
            on: ["tool.before", "tool.after", "llm.before", "llm.after"],
            tool: { name: ["a", "b*"], tagsAny: ["x"], tagsAll: ["y"] },
            when: { kind: "toolTag", anyOf: ["x"] },
            effect: { type: "block", reason: "no", control: "TERMINATE" },
            onUnknown: "skip",
            onUnavailable: "match",
            exact: true,
          },
        ],
      },
    ],
    ["an allow effect", withEffect({ type: "allow", reason: "fine" })],
    [
      "a redact effect",
      withEffect({ type: "redact", redact: [{ detectors: ["email"] }, { paths: ["a"], method: "remove" }] }),
    ],
    [
      "a hitl effect",
      withEffect({
        type: "hitl",
        control: "CONTINUE",
        approval: { expiresInSeconds: 60, approvalsNeeded: 2, approvers: ["ops"], notRequester: true },
      }),
    ],
  ])("takes %s, unchanged", (_what, policy) => {
    expect(parseValue(policySchema, policy)).toEqual({ ok: true, value: policy });
  });

  it("takes every effect type and no other", () => {
    expect(problems(withEffect({ type: "deny" }))).toEqual([
      "rules[0].effect.type: must be one of `allow`, `redact`, `hitl`, `block`, not `deny`; did you mean `block`?",
    ]);
    const payload = { redact: { redact: [{ paths: ["a"] }] }, allow: {}, hitl: {}, block: {} };
    for (const type of EFFECT_TYPES) expect(problems(withEffect({ type, ...payload[type] }))).toEqual([]);
  });

  it.each<[string, unknown, readonly string[]]>([
    ["nothing", undefined, [": is required; give an object"]],
    ["a list", [], [": must be an object, not a list"]],
    ["a policy without a name", { rules: [] }, ["name: is required; give text"]],
    ["an empty name", { name: "", rules: [] }, ["name: must not be empty"]],
    [
      "rules by another name",
      { name: "p", rule: [] },
      ["rules: is required; give a list", "rule: unknown field; did you mean `rules`?"],
    ],
    [
      "a mode that does not exist",
      { name: "p", mode: "off", rules: [] },
      ["mode: must be one of `enforce`, `shadow`, not `off`"],
    ],
    [
      "a default that needs more",
      { name: "p", default: "redact", rules: [] },
      ["default: must be one of `allow`, `hitl`, `block`, not `redact`"],
    ],
    [
      "a slug with a space",
      { name: "p", agents: { anyOfSlugs: ["a b"] }, rules: [] },
      ["agents.anyOfSlugs[0]: use letters, digits, `.`, `_` and `-`, starting with a letter or digit"],
    ],
    ["agents as a list", { name: "p", agents: ["support"], rules: [] }, ["agents: must be an object, not a list"]],
    ["an id with a line break", { id: "a\nb", name: "p", rules: [] }, ["id: must not contain control characters"]],
    [
      "a phase that does not exist",
      withRule({ on: "tool.befor" }),
      [
        "rules[0].on: must be one of `tool.before`, `tool.after`, `llm.before`, `llm.after`, not `tool.befor`; did you mean `tool.before`?",
      ],
    ],
    [
      "a wrong phase in a list",
      withRule({ on: ["tool.before", "before"] }),
      ["rules[0].on[1]: must be one of `tool.before`, `tool.after`, `llm.before`, `llm.after`, not `before`"],
    ],
    ["no phase", withRule({ on: [] }), ["rules[0].on: must have at least one element"]],
    [
      "a number as phase",
      withRule({ on: 1 }),
      ["rules[0].on: must be `tool.before`, `tool.after`, `llm.before`, `llm.after` or a list, not `1`"],
    ],
    [
      "a rule field by another name",
      withRule({ if: { kind: "label" } }),
      ["rules[0].if: unknown field; did you mean `when`?"],
    ],
    ["a condition that is empty", withRule({ when: null }), ["rules[0].when: must be an object, not null"]],
    [
      "a priority with a fraction",
      withRule({ priority: 0.5 }),
      ["rules[0].priority: must be a whole number, not `0.5`"],
    ],
    ["a tool as text", withRule({ tool: "refund" }), ["rules[0].tool: must be an object, not the text `refund`"]],
    [
      "a tool field by another name",
      withRule({ tool: { tagAny: ["a"] } }),
      ["rules[0].tool.tagAny: unknown field; did you mean `tagsAny`?"],
    ],
    ["an effect as text", withRule({ effect: "block" }), ["rules[0].effect: must be an object, not the text `block`"]],
    [
      "a control on allow",
      withEffect({ type: "allow", control: "TERMINATE" }),
      ["rules[0].effect.control: unknown field; the fields here are `type`, `reason`"],
    ],
    [
      "a control in lower case",
      withEffect({ type: "block", control: "terminate" }),
      ["rules[0].effect.control: must be one of `CONTINUE`, `TERMINATE`, not `terminate`; did you mean `TERMINATE`?"],
    ],
    [
      "a redaction that replaces nothing",
      withEffect({ type: "redact", redact: [{ method: "mask" }] }),
      ["rules[0].effect.redact[0]: give `detectors`, `paths` or both"],
    ],
    [
      "an approval without end",
      withEffect({ type: "hitl", approval: { expiresInSeconds: 0 } }),
      ["rules[0].effect.approval.expiresInSeconds: must be more than 0"],
    ],
    [
      "a source that does nothing",
      withFlow({ sources: [{ tool: { name: "a" } }] }),
      ["flow.sources[0]: give `add`, `trust` or both"],
    ],
    [
      "more than 31 labels",
      withFlow({ labels: Array.from({ length: 32 }, (_, i) => `l${i}`), sources: [] }),
      ["flow.labels: must have at most 31 elements"],
    ],
    ["a flow without sources", withFlow({}), ["flow.sources: is required; give a list"]],
  ])("refuses %s", (_what, value, expected) => {
    expect(problems(value)).toEqual(expected);
  });

  it("refuses more rules than its bound", () => {
    expect(problems({ name: "p", rules: Array(10_001).fill(RULE) })).toEqual([
      "rules: must have at most 10000 elements",
    ]);
  });
});

describe("policyFileSchema", () => {
  it("takes one policy or several", () => {
    const policy = { name: "p", rules: [] };
    expect(policyFileSchema.parse(policy)).toEqual(policy);
    expect(policyFileSchema.parse({ policies: [policy, policy] })).toEqual({ policies: [policy, policy] });
    expect(policyFileSchema.safeParse({ policies: [] }).success).toBe(false);
  });
});
