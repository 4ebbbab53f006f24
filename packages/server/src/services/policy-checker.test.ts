import type { Policy } from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { POLICY_CHECK_INLINE_RULE_COUNT_MAX, POLICY_CHECK_TIMEOUT_MS } from "../limits.ts";
import { manualRuntime } from "./manual-runtime.fixture.ts";
import { type CheckScope, inspect } from "./policy-check.ts";
import { PolicyChecker } from "./policy-checker.ts";

function scopeOf(policies: readonly Policy[]): CheckScope {
  const candidateIds = new Set(policies.map(({ id = "" }) => id));
  return {
    before: [],
    after: policies,
    candidateIds,
    agents: [],
    inventory: [],
    isInventoryWhole: true,
    asksForAgents: true,
  };
}

function policy(id: string, ruleCount: number): Policy {
  const rules = Array.from({ length: ruleCount }, (_, at) => ({
    name: `r${at}`,
    on: "tool.before" as const,
    tool: { name: `t${at}` },
    effect: { type: "block" as const },
  }));
  return { id, name: id, rules };
}

const LARGE = scopeOf([policy("a", POLICY_CHECK_INLINE_RULE_COUNT_MAX), policy("b", 1)]);

let checker: PolicyChecker;
afterEach(() => checker.close());

describe("the check of policies", () => {
  it("finds the same in its thread as at once", async () => {
    checker = new PolicyChecker(manualRuntime());
    const report = await checker.check(LARGE);
    expect(report).toEqual(inspect(LARGE));
    expect(report.findings).toMatchObject([{ code: "HB_POLICY_DUPLICATE_RULE", policyId: "b", path: "rules[0]" }]);
    const small = scopeOf([policy("a", 1), policy("b", 1)]);
    expect((await checker.check(small)).findings.map(({ code }) => code)).toEqual(["HB_POLICY_DUPLICATE_RULE"]);
  });

  it("takes one after the other, and refuses those that wait when it closes", async () => {
    checker = new PolicyChecker(manualRuntime());
    const both = await Promise.all([checker.check(LARGE), checker.check(LARGE)]);
    expect(both[0]).toEqual(both[1]);
    const late = [checker.check(LARGE), checker.check(LARGE)].map((one) => one.catch((error: unknown) => error));
    await checker.close();
    expect(await Promise.all(late)).toMatchObject([{ code: "HB_OVERLOADED" }, { code: "HB_OVERLOADED" }]);
  });

  it("gives up one that takes too long, and goes on with the next", async () => {
    const runtime = manualRuntime();
    checker = new PolicyChecker(runtime);
    const first = checker.check(LARGE).catch((error: unknown) => error);
    const second = checker.check(LARGE);
    await runtime.advance(POLICY_CHECK_TIMEOUT_MS);
    expect(await first).toMatchObject({ code: "HB_OVERLOADED", retryAfterSeconds: 5 });
    expect(await second).toEqual(inspect(LARGE));
  });
});
