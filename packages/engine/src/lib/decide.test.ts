import type { Condition, Effect, Policy, Rule } from "@handlebar/protocol";
import { decisionSchema } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";
import { decide } from "./decide.ts";
import { ALLOW, BLOCK, decideRules, HITL, NEVER, REDACT, rule, summary, UNAVAILABLE } from "./decide-rules.fixture.ts";
import { decideBy, factsOf, llmFactsOf, policyOf } from "./facts.fixture.ts";
import type { Facts } from "./facts.ts";

const UNKNOWN: Condition = { kind: "custom", name: "unregistered" };

describe("decide", () => {
  it("allows what no rule is about", () => {
    expect(decideBy([], factsOf())).toEqual({
      verdict: "ALLOW",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      message: "this call is allowed",
      evaluatedRules: [],
    });
  });

  it("gives the whole of a decision", () => {
    const facts = factsOf();
    const decision = decideRules(
      [rule("b", BLOCK), rule("a", REDACT, { when: NEVER }), rule("c", ALLOW, { enabled: false })],
      facts,
    );
    const row = { policyId: "p", enabled: true, matched: false, violated: false, mode: "enforce", outcome: "false" };
    expect(decision).toEqual({
      verdict: "BLOCK",
      control: "CONTINUE",
      cause: { kind: "RULE_VIOLATION", ruleId: "b", policyId: "p" },
      message: "this call was denied: stop",
      evaluatedRules: [
        { ...row, ruleId: "a", effect: "redact" },
        { ...row, ruleId: "b", effect: "block", matched: true, violated: true, outcome: "true" },
        { ...row, ruleId: "c", effect: "allow", enabled: false },
      ],
      finalRuleId: "b",
    });
    expect(decisionSchema.parse(decision)).toEqual(decision);
  });

  it("lets the most severe effect win", () => {
    const all = [rule("a", ALLOW, { priority: 9 }), rule("b", REDACT), rule("c", HITL), rule("d", BLOCK)];
    expect(summary(decideRules(all))).toEqual(["BLOCK", "CONTINUE", "RULE_VIOLATION", "d"]);
    expect(summary(decideRules(all.slice(0, 3)))).toEqual(["BLOCK", "CONTINUE", "HITL_PENDING", "c"]);
    expect(summary(decideRules(all.slice(0, 2)))).toEqual(["ALLOW", "CONTINUE", "ALLOW", "b"]);
    expect(summary(decideRules(all.slice(0, 1)))).toEqual(["ALLOW", "CONTINUE", "ALLOW", "a"]);
  });

  it("breaks ties by priority, then policy id, then rule id", () => {
    const first = policyOf([rule("z", BLOCK), rule("y", BLOCK)], { id: "p1" });
    const second = policyOf([rule("a", BLOCK)], { id: "p2" });
    expect(decideBy([second, first], factsOf()).finalRuleId).toBe("y");
    const higher = policyOf([rule("a", BLOCK, { priority: 1 })], { id: "p2" });
    expect(decideBy([first, higher], factsOf()).cause).toEqual({ kind: "RULE_VIOLATION", ruleId: "a", policyId: "p2" });
  });

  it("asks only rules of the phase and tool", () => {
    const rules = [
      rule("after", BLOCK, { on: "tool.after" }),
      rule("other", BLOCK, { tool: { name: "other" } }),
      rule("glob", ALLOW, { tool: { name: "send_*" } }),
      rule("globs", ALLOW, { tool: { name: ["x", "send_email"] } }),
      rule("tag", ALLOW, { tool: { tagsAny: ["email"] } }),
      rule("tags", ALLOW, { tool: { tagsAll: ["email", "pii"] } }),
      rule("model", BLOCK, { on: ["llm.before", "llm.after"] }),
    ];
    expect(decideRules(rules).evaluatedRules.map((row) => row.ruleId)).toEqual(["glob", "globs", "tag"]);
    expect(decideRules(rules, llmFactsOf()).finalRuleId).toBe("model");
    expect(decideRules([rule("named", BLOCK, { on: "llm.before", tool: { name: "*" } })], llmFactsOf()).verdict).toBe(
      "ALLOW",
    );
  });

  it("knows tools of one name and other tags apart", () => {
    const set = compile([policyOf([rule("r", BLOCK, { tool: { tagsAny: ["pii"] } })])]);
    const verdicts = [[], ["pii"], [], ["x", "pii"]].map(
      (tags) => decide(set, factsOf({ call: { tool: { name: "t", tags } } })).verdict,
    );
    expect(verdicts).toEqual(["ALLOW", "BLOCK", "ALLOW", "BLOCK"]);
  });

  it("asks only policies that are for the agent", () => {
    const policies: Policy[] = [
      policyOf([rule("slug", BLOCK)], { id: "a", agents: { anyOfSlugs: ["support"] } }),
      policyOf([rule("tag", BLOCK)], { id: "b", agents: { anyOfTags: ["us", "eu"] } }),
      policyOf([rule("tags", BLOCK)], { id: "c", agents: { allOfTags: ["eu", "beta"] } }),
      policyOf([rule("both", BLOCK)], { id: "d", agents: { anyOfSlugs: ["sales"], anyOfTags: ["eu"] } }),
      policyOf([rule("all", BLOCK)], { id: "e", agents: {} }),
    ];
    const asked = (agent: Facts["agent"]): string[] =>
      decideBy(policies, factsOf({ agent })).evaluatedRules.map((row) => row.ruleId);
    expect(asked({ slug: "support", tags: ["eu"] })).toEqual(["slug", "tag", "all"]);
    expect(asked({ slug: "sales", tags: ["eu", "beta"] })).toEqual(["tag", "tags", "both", "all"]);
    const agent = { slug: "other", tags: [] };
    const fixed = compile(policies, { agent });
    expect(decide(fixed, factsOf({ agent })).evaluatedRules.map((row) => row.ruleId)).toEqual(["all"]);
    expect(fixed.policies.map((policy) => policy.id)).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("lists rules of a disabled policy and does not ask them", () => {
    const decision = decideBy([policyOf([rule("r", BLOCK)], { enabled: false, default: "block" })], factsOf());
    expect(decision.verdict).toBe("ALLOW");
    expect(decision.evaluatedRules.map(({ ruleId, enabled, matched }) => [ruleId, enabled, matched])).toEqual([
      ["p#default", false, false],
      ["r", false, false],
    ]);
  });
});

describe("conditions that are not known", () => {
  it("match what stops a call, and not what allows it", () => {
    const matched = [BLOCK, HITL, REDACT, ALLOW].map(
      (effect) => decideRules([rule("r", effect, { when: UNKNOWN })]).evaluatedRules[0]?.matched,
    );
    expect(matched).toEqual([true, true, true, false]);
    const turned = [BLOCK, ALLOW].map((effect) => {
      const onUnknown = effect === BLOCK ? "skip" : "match";
      return decideRules([rule("r", effect, { when: UNKNOWN, onUnknown })]).evaluatedRules[0];
    });
    expect(turned.map((row) => [row?.matched, row?.violated, row?.outcome])).toEqual([
      [false, false, "unknown"],
      [true, false, "unknown"],
    ]);
  });

  it("leave a reading out of reach to the rule, else to the fail mode", () => {
    const ask = (change: Partial<Rule>, failClosed: boolean): unknown[] => {
      const decision = decideRules([rule("r", HITL, { when: UNAVAILABLE, ...change })], factsOf({ failClosed }));
      const [row] = decision.evaluatedRules;
      return [decision.cause.kind, row?.matched, row?.violated, row?.outcome, decision.degraded];
    };
    const degraded = ["HB_READING_UNAVAILABLE"];
    expect(ask({}, false)).toEqual(["ALLOW", false, false, "unavailable", degraded]);
    expect(ask({}, true)).toEqual(["UNAVAILABLE", true, true, "unavailable", degraded]);
    expect(ask({ onUnavailable: "match" }, false)).toEqual(["HITL_PENDING", true, true, "unavailable", degraded]);
    expect(ask({ onUnavailable: "match" }, true)).toEqual(["HITL_PENDING", true, true, "unavailable", degraded]);
    expect(ask({ onUnavailable: "skip" }, true)).toEqual(["ALLOW", false, false, "unavailable", degraded]);
    expect(ask({ effect: ALLOW }, true)).toEqual(["UNAVAILABLE", true, true, "unavailable", degraded]);
  });

  it("take unknown before unavailable", () => {
    const both: Condition = { kind: "and", all: [UNAVAILABLE, UNKNOWN] };
    const ask = (change: Partial<Rule>, failClosed: boolean): string =>
      decideRules([rule("r", BLOCK, { when: both, ...change })], factsOf({ failClosed })).cause.kind;
    expect(ask({ onUnavailable: "skip" }, false)).toBe("RULE_VIOLATION");
    expect(ask({ onUnknown: "skip" }, false)).toBe("ALLOW");
    expect(ask({ onUnknown: "skip" }, true)).toBe("UNAVAILABLE");
    expect(ask({ onUnknown: "skip", onUnavailable: "skip" }, true)).toBe("ALLOW");
    const rows = [true, false].map((failClosed) => {
      const [row] = decideRules([rule("r", ALLOW, { when: both })], factsOf({ failClosed })).evaluatedRules;
      return [row?.matched, row?.violated, row?.outcome];
    });
    expect(rows).toEqual([
      [true, true, "unknown"],
      [false, false, "unknown"],
    ]);
    const [allowed] = decideRules(
      [rule("r", ALLOW, { when: both, onUnknown: "match" })],
      factsOf({ failClosed: true }),
    ).evaluatedRules;
    expect([allowed?.matched, allowed?.violated]).toEqual([true, false]);
  });

  it("are decided by the members that are known", () => {
    const holds: Condition = { kind: "toolName", op: "exists" };
    const outcome = (when: Condition): string | undefined =>
      decideRules([rule("r", BLOCK, { when })]).evaluatedRules[0]?.outcome;
    expect(outcome({ kind: "and", all: [UNKNOWN, NEVER, UNAVAILABLE] })).toBe("false");
    expect(outcome({ kind: "and", all: [UNKNOWN, holds] })).toBe("unknown");
    expect(outcome({ kind: "and", all: [UNAVAILABLE, holds] })).toBe("unavailable");
    expect(outcome({ kind: "or", any: [UNKNOWN, holds] })).toBe("true");
    expect(outcome({ kind: "or", any: [UNKNOWN, NEVER] })).toBe("unknown");
    expect(outcome({ kind: "or", any: [NEVER, UNAVAILABLE] })).toBe("unavailable");
    expect(outcome({ kind: "or", any: [NEVER, NEVER] })).toBe("false");
    expect(outcome({ kind: "not", not: NEVER })).toBe("true");
    expect(outcome({ kind: "not", not: holds })).toBe("false");
    expect(outcome({ kind: "not", not: UNKNOWN })).toBe("unknown");
    expect(outcome({ kind: "not", not: UNAVAILABLE })).toBe("unavailable");
    expect(outcome({ kind: "and", all: [holds, holds, holds] })).toBe("true");
    expect(outcome({ kind: "and", all: [holds, UNKNOWN, holds] })).toBe("unknown");
    expect(outcome({ kind: "and", all: [holds, UNAVAILABLE, holds] })).toBe("unavailable");
    expect(outcome({ kind: "and", all: [holds, UNKNOWN, NEVER] })).toBe("false");
  });
});

describe("redaction", () => {
  it("adds up, and goes only with what is allowed", () => {
    const card: Effect = {
      type: "redact",
      redact: [{ detectors: ["payment_card"] }, { paths: ["note"], method: "remove" }],
    };
    const rules = [rule("b", REDACT), rule("a", card), rule("c", REDACT, { when: NEVER })];
    expect(decideRules(rules).redactions).toEqual([
      { detectors: ["payment_card"], ruleId: "a", policyId: "p" },
      { paths: ["note"], method: "remove", ruleId: "a", policyId: "p" },
      { detectors: ["email"], ruleId: "b", policyId: "p" },
    ]);
    expect(decideRules([...rules, rule("d", BLOCK)])).not.toHaveProperty("redactions");
    expect(decideRules([...rules, rule("d", HITL)])).not.toHaveProperty("redactions");
    const approval = { approvalId: "ap", status: "approved" } as const;
    expect(decideRules([rule("b", REDACT), rule("d", HITL)], factsOf({ approval })).redactions).toHaveLength(1);
  });
});

describe("a policy's default", () => {
  const list = (
    change: Partial<Policy>,
    rules: readonly Rule[] = [rule("ok", ALLOW, { tool: { name: "send_*" } })],
  ): Policy => policyOf(rules, change);
  const tool = (name: string): Facts => factsOf({ call: { tool: { name, tags: [] } } });
  it("takes what none of its rules matched", () => {
    const policies = [list({ default: "block" })];
    expect(summary(decideBy(policies, tool("send_sms")))).toEqual(["ALLOW", "CONTINUE", "ALLOW", "ok"]);
    const denied = decideBy(policies, tool("delete"));
    expect(denied).toEqual({
      verdict: "BLOCK",
      control: "CONTINUE",
      cause: { kind: "RULE_VIOLATION", ruleId: "p#default", policyId: "p" },
      message: "this call was denied: no rule of `policy` allows it",
      evaluatedRules: [
        {
          ruleId: "p#default",
          policyId: "p",
          enabled: true,
          matched: true,
          violated: true,
          mode: "enforce",
          effect: "block",
          outcome: "true",
        },
      ],
      finalRuleId: "p#default",
    });
    expect(summary(decideBy([list({ default: "hitl" })], tool("delete")))).toEqual([
      "BLOCK",
      "CONTINUE",
      "HITL_PENDING",
      "p#default",
    ]);
    expect(decideBy([list({ default: "allow" })], tool("delete")).evaluatedRules).toEqual([]);
  });
  it("is for the phases that its rules name, those of disabled rules included", () => {
    const policies = [list({ default: "block" })];
    expect(decideBy(policies, factsOf({ phase: "tool.after" })).verdict).toBe("ALLOW");
    expect(decideBy(policies, llmFactsOf()).verdict).toBe("ALLOW");
    const off = [list({ default: "block" }, [rule("ok", ALLOW, { enabled: false })])];
    expect(decideBy(off, tool("delete")).verdict).toBe("BLOCK");
    expect(decideBy([list({ default: "block" }, [])], tool("delete")).verdict).toBe("ALLOW");
  });
  it("looks at its own rules alone, whatever they ask for", () => {
    const other = policyOf([rule("other", ALLOW)], { id: "q" });
    expect(decideBy([list({ default: "block" }), other], tool("delete")).verdict).toBe("BLOCK");
    const held = list({ default: "block" }, [rule("held", REDACT)]);
    expect(decideBy([held], tool("delete")).verdict).toBe("ALLOW");
  });
  it("loses a tie with a rule, and changes nothing in shadow", () => {
    const late = policyOf([rule("z", BLOCK, { priority: -1_000_000 })], { id: "z" });
    expect(decideBy([list({ id: "a", default: "block" }), late], tool("delete")).finalRuleId).toBe("z");
    const shadow = decideBy([list({ default: "block", mode: "shadow" })], tool("delete"));
    expect(summary(shadow)).toEqual(["ALLOW", "CONTINUE", "ALLOW", undefined]);
    expect(shadow.shadow).toEqual({
      verdict: "BLOCK",
      control: "CONTINUE",
      cause: { kind: "RULE_VIOLATION", ruleId: "p#default", policyId: "p" },
      finalRuleId: "p#default",
    });
  });
});

describe("facts without their form", () => {
  it("are not let through, and never throw", () => {
    for (const facts of [
      5,
      null,
      {},
      { phase: "nope" },
      { ...factsOf(), run: undefined },
      { ...factsOf(), call: undefined },
    ]) {
      const decision = decideRules([rule("a", ALLOW)], facts as unknown as Facts);
      expect([decision.verdict, decision.cause]).toEqual(["BLOCK", { kind: "UNAVAILABLE", code: "HB_FACTS_INVALID" }]);
    }
  });
});
