import { decisionSchema, type Lockdown, type Policy, type Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { ALLOW, BLOCK, decideRules, NEVER, REDACT, rule, summary, UNAVAILABLE } from "./decide-rules.fixture.ts";
import { decideBy, factsOf, NOON_MS, policyOf } from "./facts.fixture.ts";

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
