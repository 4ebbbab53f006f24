import type { Policy, PolicyChanges, Rule } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "./limits.ts";
import { diffPolicies, summarisePolicyChanges } from "./policy-diff.ts";

const NONE: PolicyChanges = { fields: [], rules: [], leftOutCount: 0 };

const rule = (id: string, change: Partial<Rule> = {}): Rule => ({
  id,
  name: id,
  on: "tool.before",
  effect: { type: "block" },
  ...change,
});
const policy = (rules: readonly Rule[], change: Partial<Policy> = {}): Policy => ({
  id: "p",
  name: "p",
  rules: [...rules],
  ...change,
});
const over = (value: number): Rule["when"] => ({ kind: "toolArg", path: "amount", type: "number", op: "gt", value });

describe("diffPolicies", () => {
  it("tells fields by their place, and rules by what became of them", () => {
    const before = policy(
      [
        rule("a", {
          when: { kind: "and", all: [over(500) ?? never(), { kind: "toolName", op: "eq", value: "refund" }] },
        }),
        rule("b", { tool: { name: "refund" } }),
        rule("c"),
      ],
      { mode: "shadow", agents: { anyOfSlugs: ["support"] } },
    );
    const after = policy(
      [
        rule("d"),
        rule("b", { tool: { name: ["refund", "pay"] }, priority: 3 }),
        rule("a", {
          when: { kind: "and", all: [over(300) ?? never(), { kind: "toolName", op: "eq", value: "refund" }] },
        }),
      ],
      { agents: { anyOfSlugs: ["support", "sales"] }, description: "new" },
    );
    expect(diffPolicies(before, after)).toEqual({
      fields: [
        { path: "mode", before: "shadow" },
        { path: "agents.anyOfSlugs", before: ["support"], after: ["support", "sales"] },
        { path: "description", after: "new" },
      ],
      rules: [
        { ruleId: "d", name: "d", change: "added", fields: [] },
        {
          ruleId: "b",
          name: "b",
          change: "changed",
          fields: [
            { path: "tool.name", before: "refund", after: ["refund", "pay"] },
            { path: "priority", after: 3 },
          ],
        },
        { ruleId: "a", name: "a", change: "changed", fields: [{ path: "when.all[0].value", before: 500, after: 300 }] },
        { ruleId: "c", name: "c", change: "removed", fields: [] },
      ],
      leftOutCount: 0,
    });
  });

  it("takes a condition or an effect of another kind as one value", () => {
    const before = policy([rule("a", { when: over(1), effect: { type: "hitl", reason: "r" } })]);
    const after = policy([rule("a", { when: { kind: "custom", name: "x" }, effect: { type: "block", reason: "r" } })]);
    expect(diffPolicies(before, after).rules[0]?.fields).toEqual([
      { path: "effect", before: { type: "hitl", reason: "r" }, after: { type: "block", reason: "r" } },
      { path: "when", before: over(1), after: { kind: "custom", name: "x" } },
    ]);
  });

  it("knows rules without ids by their names", () => {
    const named = (name: string, enabled: boolean): Rule => ({
      name,
      on: "tool.before",
      effect: { type: "block" },
      enabled,
    });
    expect(diffPolicies(policy([named("No refunds", true)]), policy([named("No refunds", false)])).rules).toEqual([
      {
        ruleId: "p/no-refunds",
        name: "No refunds",
        change: "changed",
        fields: [{ path: "enabled", before: true, after: false }],
      },
    ]);
  });

  it("leaves out the trees of expressions", () => {
    const when = { kind: "expr", lang: "cel", src: "1 < 2" } as const;
    const withTree = { ...when, tree: { kind: "const", value: true } } as unknown as NonNullable<Rule["when"]>;
    expect(diffPolicies(policy([rule("a", { when })]), policy([rule("a", { when: withTree })]))).toEqual(NONE);
  });

  it("tells of a whole policy that comes or goes", () => {
    const whole = policy([rule("a")], { mode: "shadow" });
    expect(diffPolicies(undefined, whole)).toEqual({
      fields: [
        { path: "name", after: "p" },
        { path: "mode", after: "shadow" },
      ],
      rules: [{ ruleId: "a", name: "a", change: "added", fields: [] }],
      leftOutCount: 0,
    });
    expect(diffPolicies(whole, undefined).rules).toEqual([{ ruleId: "a", name: "a", change: "removed", fields: [] }]);
    expect(diffPolicies(undefined, undefined)).toEqual(NONE);
  });

  it("tells no more than its bounds, and counts the rest", () => {
    const count = LIMITS.diffRuleCountMax + 5;
    const many = policy(Array.from({ length: count }, (_, at) => rule(`r${at}`)));
    const changes = diffPolicies(undefined, many);
    expect([changes.rules.length, changes.leftOutCount]).toEqual([LIMITS.diffRuleCountMax, 5]);
    expect(summarisePolicyChanges(undefined, many).rules).toEqual({ added: count, changed: 0, removed: 0 });
  });

  it("finds nothing in the same rules in another order, and something in everything else", () => {
    const rules = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom("a", "b", "c", "d"),
        enabled: fc.boolean(),
        value: fc.integer({ min: 0, max: 2 }),
      }),
      { selector: ({ id }) => id },
    );
    const toRule = ({ id, enabled, value }: { id: string; enabled: boolean; value: number }): Rule =>
      rule(id, { enabled, when: over(value) });
    const textOf = (own: readonly Rule[]): string =>
      JSON.stringify([...own].sort((a, b) => (`${a.id}` < `${b.id}` ? -1 : 1)));
    fc.assert(
      fc.property(rules, rules, (one, two) => {
        const [before, after] = [one.map(toRule), two.map(toRule)];
        const { rules: told, fields, leftOutCount } = diffPolicies(policy(before), policy(after));
        expect(told.length === 0).toBe(textOf(before) === textOf(after));
        expect([fields, leftOutCount]).toEqual([[], 0]);
        const countOf = (change: string): number => told.filter((one) => one.change === change).length;
        const rulesTold = { added: countOf("added"), changed: countOf("changed"), removed: countOf("removed") };
        expect(summarisePolicyChanges(policy(before), policy(after))).toEqual({ fields: [], rules: rulesTold });
        const back = diffPolicies(policy(after), policy(before)).rules;
        const swapped = { added: "removed", removed: "added", changed: "changed" } as const;
        const plain = (changes: PolicyChanges["rules"]): readonly string[] =>
          changes.map(({ ruleId, change }) => `${ruleId} ${change}`).sort();
        expect(plain(back)).toEqual(plain(told.map((one) => ({ ...one, change: swapped[one.change] }))));
      }),
      { numRuns: 300 },
    );
  });
});

function never(): never {
  throw new Error("there is a condition");
}
