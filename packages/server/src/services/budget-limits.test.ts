import type { BudgetKey, Condition, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { holdsEstimate, spendLimitOf } from "./budget-limits.ts";

const window = { scope: "agent", windowSeconds: 60 } as const;
const metric = { kind: "metricWindow", metric: "cost", ...window } as const;

function policiesOf(when: Condition): readonly Policy[] {
  return [{ id: "p", name: "p", rules: [{ id: "r", name: "r", on: "tool.before", when, effect: { type: "block" } }] }];
}

const key: BudgetKey = { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "support" };

describe("the limit of a shared window", () => {
  it.each<[string, Condition, number | undefined]>([
    ["calls", { kind: "maxCalls", max: 5, ...window }, 5],
    ["a sum above", { ...metric, aggregate: "sum", op: "gt", value: 2.5 }, 2.5],
    ["a count above", { ...metric, aggregate: "count", op: "gt", value: 3 }, 3],
    ["a count at or above", { ...metric, aggregate: "count", op: "gte", value: 3 }, 2],
    ["a count at or above a fraction", { ...metric, aggregate: "count", op: "gte", value: 2.5 }, 2],
    ["a sum below", { ...metric, aggregate: "sum", op: "lt", value: 3 }, undefined],
    ["an average", { ...metric, aggregate: "avg", op: "gt", value: 3 }, undefined],
    ["a window of the run", { kind: "maxCalls", scope: "run", max: 5 }, undefined],
  ])("of %s", (_name, when, amount) => {
    expect(spendLimitOf(policiesOf(when), key)?.amount).toBe(amount);
  });

  it("of a sum at or above lies just below what makes the rule match", () => {
    const limit = spendLimitOf(policiesOf({ ...metric, aggregate: "sum", op: "gte", value: 10 }), key);
    expect(limit?.amount).toBeLessThan(10);
    expect(limit?.amount).toBeGreaterThan(9.999999);
    expect(limit).toMatchObject({ windowMs: 60_000, isWhole: false });
  });

  it("is found by the place of the window in its rule", () => {
    const all: Condition[] = [
      { kind: "toolName", op: "eq", value: "x" },
      {
        kind: "or",
        any: [
          { kind: "maxCalls", scope: "run", max: 1 },
          { kind: "maxCalls", max: 7, ...window },
        ],
      },
      { kind: "not", not: { ...metric, aggregate: "sum", op: "gt", value: 9 } },
    ];
    const policies = policiesOf({ kind: "and", all });
    const amounts = [0, 1, 2, 3].map((index) => spendLimitOf(policies, { ...key, index })?.amount);
    expect(amounts).toEqual([undefined, 7, 9, undefined]);
  });

  it.each([
    ["another policy", { policyId: "other" }],
    ["another rule", { ruleId: "other" }],
    ["another scope", { scope: "workspace" as const }],
  ])("is not that of %s", (_name, change) => {
    expect(spendLimitOf(policiesOf({ kind: "maxCalls", max: 5, ...window }), { ...key, ...change })).toBeUndefined();
  });
});

describe("an estimate", () => {
  it.each<[Condition, boolean]>([
    [{ kind: "maxCalls", max: 5, ...window }, false],
    [{ ...metric, aggregate: "sum", op: "gt", value: 1 }, false],
    [{ ...metric, aggregate: "sum", op: "gt", value: 1, estimate: 0.5 }, true],
    [{ ...metric, aggregate: "count", op: "gt", value: 1 }, true],
    [{ ...metric, aggregate: "max", op: "gt", value: 1, estimate: 0.5 }, false],
  ])("of %j is held: %s", (when, expected) => {
    expect(holdsEstimate(policiesOf(when), key)).toBe(expected);
  });
});
