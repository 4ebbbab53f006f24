import { createRunState, type Facts } from "@handlebar/engine";
import type { Condition, Policy, Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { matchesGlob } from "./reference-comparison.ts";
import { ReferenceEvaluator } from "./reference-evaluator.ts";
import { MISTYPED, placesAt } from "./reference-path.ts";

const HOST = { custom: () => undefined, expression: () => undefined, findings: () => 0 };
const NOW_MS = Date.UTC(2026, 0, 5, 12);

function factsOf(
  callId: string,
  change: Partial<Facts> & { readonly args?: Record<string, string | number> } = {},
): Facts {
  const { args = {}, ...rest } = change;
  return {
    phase: "tool.before",
    nowMs: NOW_MS,
    agent: { slug: "support", tags: [] },
    run: { runId: "r", startedAtMs: NOW_MS, status: "open", tags: {}, context: {}, state: createRunState() },
    call: { callId, tool: { name: "pay", tags: ["money"] }, args },
    failClosed: false,
    enforceMode: "enforce",
    ...rest,
  };
}

function blocking(
  when: Condition | undefined,
  change: Partial<Rule> = {},
  policy: Partial<Policy> = {},
): ReferenceEvaluator {
  const rule: Rule = { id: "r", name: "r", on: "tool.before", when, effect: { type: "block" }, ...change };
  return new ReferenceEvaluator([{ id: "p", name: "p", rules: [rule], ...policy }], HOST);
}

const OVER_TEN: Condition = { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 10 };

describe("ReferenceEvaluator", () => {
  it("blocks what a rule blocks, lets through the rest, and does not take text for a number", () => {
    const verdict = (args: Record<string, string | number>) =>
      blocking(OVER_TEN).decide(factsOf("1", { args })).verdict;
    expect([verdict({ amount: 11 }), verdict({ amount: 10 }), verdict({}), verdict({ amount: "9" })]).toEqual([
      "BLOCK",
      "ALLOW",
      "ALLOW",
      "BLOCK",
    ]);
  });

  it("counts calls that were let through", () => {
    const reference = blocking({ kind: "maxCalls", scope: "run", max: 1, windowSeconds: 60 });
    const first = factsOf("1");
    reference.noteCall(first, reference.decide(first));
    expect(reference.decide(factsOf("2", { nowMs: NOW_MS + 1 })).cause).toEqual({
      kind: "BUDGET_EXHAUSTED",
      ruleId: "r",
      policyId: "p",
      resetAt: NOW_MS + 60_000,
    });
    expect(reference.decide(factsOf("2", { nowMs: NOW_MS + 60_000 })).verdict).toBe("ALLOW");
  });

  it("lists what shadow would have done and changes nothing", () => {
    const decision = blocking(undefined, {}, { mode: "shadow" }).decide(factsOf("1"));
    expect([decision.verdict, decision.shadow?.verdict]).toEqual(["ALLOW", "BLOCK"]);
  });

  it("takes a reading out of reach by the fail mode", () => {
    const reference = blocking({ kind: "maxCalls", scope: "agent", max: 1, windowSeconds: 60 });
    const open = reference.decide(factsOf("1"));
    const closed = reference.decide(factsOf("1", { failClosed: true }));
    expect([open.verdict, open.degraded, closed.cause]).toEqual([
      "ALLOW",
      ["HB_READING_UNAVAILABLE"],
      { kind: "UNAVAILABLE", code: "HB_READING_UNAVAILABLE" },
    ]);
  });

  it("asks a policy's default where none of its rules matched", () => {
    const reference = blocking(OVER_TEN, { effect: { type: "allow" } }, { default: "block" });
    expect(reference.decide(factsOf("1", { args: { amount: 1 } })).finalRuleId).toBe("p#default");
    expect(reference.decide(factsOf("1", { args: { amount: 11 } })).verdict).toBe("ALLOW");
  });
});

describe("what the reference reads by", () => {
  it("matches globs by trying", () => {
    expect([
      matchesGlob("a*b?", "axxbc"),
      matchesGlob("a*b?", "axxb"),
      matchesGlob("*", ""),
      matchesGlob("[a]", "a"),
    ]).toEqual([true, false, true, false]);
  });

  it("finds the places of a path", () => {
    const value = { items: [{ price: 1 }, {}, "x"], "a.b": null };
    expect(placesAt(value, "items[].price")).toEqual([1, undefined, MISTYPED]);
    expect(placesAt(value, "items[0].price")).toEqual([1]);
    expect(placesAt(value, "**")).toEqual([1, "x", null]);
    expect(placesAt(undefined, "a")).toEqual([undefined]);
    expect(placesAt({}, "toString")).toEqual([undefined]);
  });
});
