import type { Condition, Decision, Effect, Lockdown, Policy, Rule } from "@handlebar/protocol";
import { decisionSchema } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";
import { decide } from "./decide.ts";
import { decideBy, factsOf, llmFactsOf, NOON_MS, policyOf, ruleOf } from "./facts.fixture.ts";
import type { Facts } from "./facts.ts";

const BLOCK: Effect = { type: "block", reason: "stop" };
const HITL: Effect = { type: "hitl", reason: "ask" };
const ALLOW: Effect = { type: "allow" };
const REDACT: Effect = { type: "redact", redact: [{ detectors: ["email"] }] };
const NEVER: Condition = { kind: "toolName", op: "eq", value: "never" };
const UNKNOWN: Condition = { kind: "custom", name: "unregistered" };
const UNAVAILABLE: Condition = { kind: "maxCalls", scope: "agent", max: 1, windowSeconds: 60 };

const rule = (id: string, effect: Effect, change: Partial<Rule> = {}): Rule => ruleOf({ id, effect, ...change });
const decideRules = (rules: readonly Rule[], facts: Facts = factsOf()): Decision => decideBy([policyOf(rules)], facts);
const summary = ({ verdict, control, cause, finalRuleId }: Decision): unknown[] => [
  verdict,
  control,
  cause.kind,
  finalRuleId,
];

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

describe("approvals", () => {
  const held = [rule("h", HITL)];
  const by = (status: "pending" | "approved" | "denied"): Facts =>
    factsOf({ approval: { approvalId: "ap", status, ...(status === "pending" ? {} : { by: "ann" }) } });
  it("hold a call until it is answered", () => {
    expect(decideRules(held).cause).toEqual({ kind: "HITL_PENDING", ruleId: "h", policyId: "p" });
    expect(decideRules(held, by("pending")).cause).toEqual({
      kind: "HITL_PENDING",
      approvalId: "ap",
      ruleId: "h",
      policyId: "p",
    });
    const denied = decideRules(held, by("denied"));
    expect([denied.verdict, denied.cause, denied.message]).toEqual([
      "BLOCK",
      { kind: "HITL_DENIED", approvalId: "ap", by: "ann" },
      "this call was denied by a person: ask",
    ]);
    const approved = decideRules(held, by("approved"));
    expect([approved.verdict, approved.cause, approved.finalRuleId]).toEqual([
      "ALLOW",
      { kind: "HITL_APPROVED", approvalId: "ap", by: "ann" },
      "h",
    ]);
  });
  it("never lift a block, and mean nothing where no rule holds", () => {
    expect(decideRules([...held, rule("b", BLOCK)], by("approved")).verdict).toBe("BLOCK");
    expect(decideRules([], by("denied")).verdict).toBe("ALLOW");
  });
});

describe("control", () => {
  const STOP: Effect = { type: "block", control: "TERMINATE" };
  const HOLD: Effect = { type: "hitl", control: "TERMINATE" };
  const control = (effects: readonly Effect[], change = {}): string =>
    decideRules(
      effects.map((effect, at) => rule(`r${at}`, effect)),
      factsOf(change),
    ).control;
  it("ends the run when any rule that matched asks for it", () => {
    expect(control([STOP])).toBe("TERMINATE");
    expect(control([BLOCK, STOP])).toBe("TERMINATE");
    expect(control([BLOCK, HOLD])).toBe("TERMINATE");
    expect(control([HOLD, HITL])).toBe("TERMINATE");
    expect(control([BLOCK, HITL])).toBe("CONTINUE");
  });
  it("is settled by an approval where the hold asked for it", () => {
    const approval = { approvalId: "ap", status: "approved" } as const;
    expect(control([HOLD], { approval })).toBe("CONTINUE");
    expect(control([BLOCK, HOLD], { approval })).toBe("CONTINUE");
    expect(control([STOP, HOLD], { approval })).toBe("TERMINATE");
  });
});

describe("shadow", () => {
  const shadow = (rules: readonly Rule[], change: Partial<Policy> = {}): Policy =>
    policyOf(rules, { id: "s", mode: "shadow", ...change });
  it("reports what would have been, and changes nothing", () => {
    const decision = decideBy([shadow([rule("b", { type: "block", control: "TERMINATE" })])], factsOf());
    expect(decision).toEqual({
      verdict: "ALLOW",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      message: "this call is allowed",
      evaluatedRules: [
        {
          ruleId: "b",
          policyId: "s",
          enabled: true,
          matched: true,
          violated: true,
          mode: "shadow",
          effect: "block",
          outcome: "true",
        },
      ],
      shadow: {
        verdict: "BLOCK",
        control: "TERMINATE",
        cause: { kind: "RULE_VIOLATION", ruleId: "b", policyId: "s" },
        finalRuleId: "b",
      },
    });
    expect(decisionSchema.parse(decision)).toEqual(decision);
  });
  it("is silent where nothing would change", () => {
    expect(decideBy([shadow([rule("a", ALLOW)])], factsOf())).not.toHaveProperty("shadow");
    expect(decideBy([shadow([rule("b", BLOCK, { when: NEVER })])], factsOf())).not.toHaveProperty("shadow");
    const both = decideBy([policyOf([rule("b", BLOCK)]), shadow([rule("z", BLOCK)])], factsOf());
    expect(both).not.toHaveProperty("shadow");
  });
  it("counts both kinds of policies together", () => {
    const policies = [policyOf([rule("b", BLOCK)]), shadow([rule("t", { type: "hitl", control: "TERMINATE" })])];
    const decision = decideBy(policies, factsOf());
    expect(summary(decision)).toEqual(["BLOCK", "CONTINUE", "RULE_VIOLATION", "b"]);
    expect(decision.shadow?.control).toBe("TERMINATE");
  });
  it("reports redactions", () => {
    const decision = decideBy([shadow([rule("x", REDACT)])], factsOf());
    expect(decision).not.toHaveProperty("redactions");
    expect(decision.shadow).toEqual({
      verdict: "ALLOW",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      finalRuleId: "x",
      redacts: true,
    });
  });
  it("makes the whole client change nothing", () => {
    const facts = factsOf({ enforceMode: "shadow", failClosed: true });
    const decision = decideRules([rule("b", BLOCK), rule("u", BLOCK, { when: UNAVAILABLE }), rule("x", REDACT)], facts);
    expect(summary(decision)).toEqual(["ALLOW", "CONTINUE", "ALLOW", undefined]);
    expect(decision).not.toHaveProperty("redactions");
    expect(decision.evaluatedRules.map((row) => row.mode)).toEqual(["shadow", "shadow", "shadow"]);
    expect(decision.shadow?.cause).toEqual({ kind: "RULE_VIOLATION", ruleId: "b", policyId: "p" });
  });
});

describe("stop orders and the end of a run", () => {
  const order = (lockdownId: string, scope: Lockdown["scope"], until?: string): Lockdown => ({
    lockdownId,
    scope,
    ...(until === undefined ? {} : { until }),
  });
  const stopped = (lockdowns: readonly Lockdown[], change = {}): unknown[] => {
    const { cause, control, verdict } = decideRules([rule("a", ALLOW)], factsOf({ lockdowns, ...change }));
    return [verdict, control, cause.kind, cause.kind === "LOCKDOWN" ? cause.lockdownId : undefined];
  };
  const ALLOWED = ["ALLOW", "CONTINUE", "ALLOW", undefined];
  it("cover workspace, agent, actor, session and tool", () => {
    expect(stopped([order("l", { kind: "workspace" })])).toEqual(["BLOCK", "TERMINATE", "LOCKDOWN", "l"]);
    expect(stopped([order("l", { kind: "agent", slug: "support" })])[2]).toBe("LOCKDOWN");
    expect(stopped([order("l", { kind: "agent", slug: "sales" })])).toEqual(ALLOWED);
    expect(stopped([order("l", { kind: "actor", externalId: "u_42" })])[2]).toBe("LOCKDOWN");
    expect(stopped([order("l", { kind: "actor", externalId: "u_42" })], { actor: undefined })).toEqual(ALLOWED);
    expect(stopped([order("l", { kind: "session", sessionId: "s" })], { run: { sessionId: "s" } })[2]).toBe("LOCKDOWN");
    expect(stopped([order("l", { kind: "session", sessionId: "s" })])).toEqual(ALLOWED);
    expect(stopped([order("l", { kind: "tool", name: "send_email" })])).toEqual(["BLOCK", "CONTINUE", "LOCKDOWN", "l"]);
    expect(stopped([order("l", { kind: "tool", name: "send" })])).toEqual(ALLOWED);
  });
  it("are lifted by their time alone", () => {
    const at = (offsetMs: number): string => new Date(NOON_MS + offsetMs).toISOString();
    expect(stopped([order("l", { kind: "workspace" }, at(1))])[2]).toBe("LOCKDOWN");
    expect(stopped([order("l", { kind: "workspace" }, at(0))])).toEqual(ALLOWED);
    expect(stopped([order("l", { kind: "workspace" }, "soon")])[2]).toBe("LOCKDOWN");
  });
  it("are chosen without regard to their order", () => {
    const orders = [
      order("b", { kind: "tool", name: "send_email" }),
      order("d", { kind: "workspace" }),
      order("c", { kind: "workspace" }),
    ];
    expect(stopped(orders)).toEqual(["BLOCK", "TERMINATE", "LOCKDOWN", "c"]);
    expect(stopped([...orders].reverse())).toEqual(["BLOCK", "TERMINATE", "LOCKDOWN", "c"]);
  });
  it("come before every rule, and an order before the end", () => {
    const ended = decideRules([rule("a", ALLOW)], factsOf({ run: { status: "ended" } }));
    expect(ended).toEqual({
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: { kind: "RUN_ENDED" },
      message: "this call was denied: this run has ended",
      evaluatedRules: [],
    });
    const terminated = { run: { status: "terminated" } } as const;
    expect(stopped([], terminated)[2]).toBe("RUN_ENDED");
    expect(stopped([order("l", { kind: "workspace" })], terminated)[2]).toBe("LOCKDOWN");
    expect(stopped([order("l", { kind: "tool", name: "send_email" })], terminated)[2]).toBe("RUN_ENDED");
  });
  it("are reported and not acted on in shadow", () => {
    const lockdowns = [order("l", { kind: "workspace" })];
    const decision = decideRules([rule("b", BLOCK)], factsOf({ lockdowns, enforceMode: "shadow" }));
    expect(summary(decision)).toEqual(["ALLOW", "CONTINUE", "ALLOW", undefined]);
    expect(decision.shadow).toEqual({
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: { kind: "LOCKDOWN", lockdownId: "l" },
    });
    expect(decision.evaluatedRules).toHaveLength(1);
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
