import type { Cause, Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { decideBy, factsOf, NOON_MS, policyOf, ruleOf } from "./facts.fixture.ts";
import type { SharedNeed } from "./facts.ts";
import { LocalWindows } from "./local-windows.ts";

const HOLDS: Condition = { kind: "toolName", op: "exists" };
const FAILS: Condition = { kind: "toolName", op: "absent" };
const spent = (id: string): Condition => ({
  kind: "metricWindow",
  scope: "agent",
  metric: id,
  aggregate: "sum",
  windowSeconds: 60,
  op: "gte",
  value: 1,
});
const RESETS: Readonly<Record<string, number>> = { early: 1000, late: 2000 };

/** The cause when each budget that the condition reads is spent. */
function causeOf(when: Condition): Cause {
  const read = ({ metric }: SharedNeed): { value: number; resetAtMs?: number } => {
    const resetAtMs = RESETS[metric];
    return { value: 9, ...(resetAtMs === undefined ? {} : { resetAtMs }) };
  };
  return decideBy([policyOf([ruleOf({ when })])], factsOf({ shared: { read } })).cause;
}
const exhausted = (resetAt?: number): Cause => ({
  kind: "BUDGET_EXHAUSTED",
  ruleId: "r",
  policyId: "p",
  ...(resetAt === undefined ? {} : { resetAt }),
});
const VIOLATION: Cause = { kind: "RULE_VIOLATION", ruleId: "r", policyId: "p" };

describe("a spent budget", () => {
  it("is the cause where the rule would not hold without it", () => {
    expect(causeOf(spent("early"))).toEqual(exhausted(1000));
    expect(causeOf(spent("never"))).toEqual(exhausted());
    expect(causeOf({ kind: "and", all: [HOLDS, spent("late")] })).toEqual(exhausted(2000));
    expect(causeOf({ kind: "or", any: [FAILS, spent("late")] })).toEqual(exhausted(2000));
    expect(causeOf({ kind: "or", any: [HOLDS, spent("late")] })).toEqual(VIOLATION);
    expect(causeOf({ kind: "not", not: { kind: "not", not: spent("late") } })).toEqual(VIOLATION);
    expect(causeOf({ kind: "not", not: { ...spent("late"), op: "lt" } as Condition })).toEqual(VIOLATION);
    expect(causeOf({ ...spent("late"), op: "lt", value: 99 } as Condition)).toEqual(VIOLATION);
  });
  it("has room when the first of all, or the last of any, has", () => {
    expect(causeOf({ kind: "and", all: [spent("late"), spent("early")] })).toEqual(exhausted(1000));
    expect(causeOf({ kind: "and", all: [spent("never"), spent("late")] })).toEqual(exhausted(2000));
    expect(causeOf({ kind: "or", any: [spent("late"), spent("early")] })).toEqual(exhausted(2000));
    expect(causeOf({ kind: "or", any: [spent("early"), spent("never")] })).toEqual(exhausted());
  });
});

describe("windows kept in one place", () => {
  const key = { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "a" } as const;
  const over = { key, windowMs: 60_000, limit: 2, exact: false } as const;
  it("say when calls, and not when sums, have room", () => {
    const windows = new LocalWindows();
    const calls = { ...over, metric: "calls", aggregate: "count", amount: 1 } as const;
    for (const at of [0, 10_000]) windows.apply({ ...calls, kind: "add" }, "c", NOON_MS + at);
    expect(windows.read(calls, NOON_MS + 20_000)).toEqual({ value: 2, resetAtMs: NOON_MS + 60_000 });
    const cost = { ...over, key: { ...key, index: 1 }, metric: "cost", aggregate: "sum", amount: 0 } as const;
    windows.apply({ ...cost, kind: "settle", amount: 5 }, "c", NOON_MS);
    expect(windows.read(cost, NOON_MS)).toEqual({ value: 5 });
  });
});
