import { type Decision, decisionSchema, type Policy, policySchema } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";
import { createRunState } from "./create-run-state.ts";
import { factsArb, policiesArb, ruleArb } from "./decide.fixture.ts";
import { decide } from "./decide.ts";
import { factsOf, policyOf, ruleOf } from "./facts.fixture.ts";
import type { Facts } from "./facts.ts";
import { needs } from "./needs.ts";
import { noteCall, noteResult } from "./note.ts";
import { sharedAdds } from "./shared-adds.ts";

const RUNS = { numRuns: 2_000 };

/** What the agent can see of a decision. */
function visible({ verdict, control, cause, message, finalRuleId, redactions }: Decision): unknown {
  return { verdict, control, cause, message, finalRuleId, redactions };
}

describe("decide", () => {
  it("gives what the schema says, and the same again", () => {
    fc.assert(
      fc.property(policiesArb, factsArb, (policies, facts) => {
        const set = compile(policies);
        const decision = decide(set, facts);
        expect(decisionSchema.parse(decision)).toEqual(decision);
        expect(decide(set, facts)).toEqual(decision);
        expect(decision.cause).not.toHaveProperty("code", "HB_FACTS_INVALID");
      }),
      RUNS,
    );
  });

  it("[SPEC 1.2] does not depend on the order of policies and rules", () => {
    const shuffled = policiesArb.chain((policies) =>
      fc.tuple(
        fc.constant(policies),
        fc
          .shuffledSubarray([...policies], { minLength: policies.length })
          .chain((order) =>
            fc.tuple(
              ...order.map((policy) =>
                fc
                  .shuffledSubarray([...policy.rules], { minLength: policy.rules.length })
                  .map((rules): Policy => ({ ...policy, rules })),
              ),
            ),
          ),
      ),
    );
    fc.assert(
      fc.property(shuffled, factsArb, ([policies, others], facts) => {
        expect(decide(compile(others), facts)).toEqual(decide(compile(policies), facts));
      }),
      RUNS,
    );
  });

  it("is never less strict with one more block rule", () => {
    const added = fc.tuple(ruleArb, fc.constantFrom({}, { control: "TERMINATE" as const }), fc.nat(3));
    fc.assert(
      fc.property(policiesArb, added, factsArb, (policies, [rule, control, at], facts) => {
        const block = { ...rule, id: "added", effect: { type: "block" as const, ...control } };
        const more =
          policies[at] === undefined
            ? [...policies, { ...policyOf([block]), id: "added" }]
            : policies.map((policy, index) => (index === at ? { ...policy, rules: [...policy.rules, block] } : policy));
        const before = decide(compile(policies), facts);
        const after = decide(compile(more), facts);
        if (before.verdict === "BLOCK") expect(after.verdict).toBe("BLOCK");
        if (before.control === "TERMINATE") expect(after.control).toBe("TERMINATE");
      }),
      RUNS,
    );
  });

  it("is not changed by policies in shadow", () => {
    fc.assert(
      fc.property(policiesArb, policiesArb, factsArb, (policies, others, facts) => {
        const shadows = others.map((policy): Policy => ({ ...policy, id: `s-${policy.id}`, mode: "shadow" }));
        const alone = decide(compile(policies), facts);
        const beside = decide(compile([...policies, ...shadows]), facts);
        expect(visible(beside)).toEqual(visible(alone));
      }),
      RUNS,
    );
  });

  it("says in shadow what enforcing would have answered", () => {
    fc.assert(
      fc.property(policiesArb, factsArb, (policies, facts) => {
        const set = compile(policies.map((policy): Policy => ({ ...policy, mode: "enforce" })));
        const enforced = decide(set, { ...facts, enforceMode: "enforce" });
        const shadowed = decide(set, { ...facts, enforceMode: "shadow" });
        expect([shadowed.verdict, shadowed.control, shadowed.cause]).toEqual(["ALLOW", "CONTINUE", { kind: "ALLOW" }]);
        expect(shadowed.redactions).toBeUndefined();
        const would = shadowed.shadow ?? shadowed;
        expect([would.verdict, would.control, would.cause]).toEqual([
          enforced.verdict,
          enforced.control,
          enforced.cause,
        ]);
        expect(shadowed.shadow?.redacts === true).toBe((enforced.redactions?.length ?? 0) > 0);
      }),
      RUNS,
    );
  });

  it("is asked about policies that the schema takes", () => {
    fc.assert(
      fc.property(policiesArb, (policies) => {
        for (const policy of policies) expect(policySchema.safeParse(policy).success).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe("hostile facts", () => {
  const hostile = fc.anything({
    withNullPrototype: true,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSparseArray: true,
  });
  const everywhere = ruleOf({
    when: {
      kind: "or",
      any: [
        { kind: "toolArg", path: "**", type: "string", op: "matches", value: "(a+)+$" },
        { kind: "toolArg", path: "x[].y", type: "number", op: "gt", value: 1, quantifier: "all" },
        { kind: "toolArg", in: "result", path: "x.y", type: "array", op: "contains", value: "a" },
        { kind: "context", path: "*", type: "string", op: "glob", value: "*a*a*a*b" },
        { kind: "actor", path: "metadata.tier", op: "eq", value: "free" },
        { kind: "runTag", tag: "__proto__", op: "eq", value: "x" },
        { kind: "subject", subjectType: "patient", op: "eq", value: "x" },
        { kind: "signal", signal: "risk", type: "number", op: "gt", value: 1 },
        { kind: "sensitiveData" },
        {
          kind: "timeGate",
          windows: [{ days: ["mon"], start: "00:00", end: "24:00" }],
          timezone: { actor: "metadata.tz" },
        },
      ],
    },
    on: ["tool.before", "tool.after", "llm.before", "llm.after"],
  });
  const set = compile([policyOf([everywhere])]);

  it("[SPEC 1.3] never make it throw, wherever they stand", () => {
    const fields = fc.record(
      {
        actor: hostile,
        metrics: hostile,
        subjects: hostile,
        signals: hostile,
        customs: hostile,
        shared: hostile,
        lockdowns: hostile,
        approval: hostile,
        llm: hostile,
        nowMs: hostile,
        phase: fc.oneof(fc.constantFrom("tool.before", "tool.after", "llm.before", "llm.after"), hostile),
      },
      { requiredKeys: [] },
    );
    const call = fc.record({ args: hostile, result: hostile, error: hostile }, { requiredKeys: [] });
    const run = fc.record({ context: hostile, tags: hostile }, { requiredKeys: [] });
    fc.assert(
      fc.property(fields, call, run, (change, inCall, inRun) => {
        const base = factsOf();
        const made = { ...base, ...change, call: { ...base.call, ...inCall }, run: { ...base.run, ...inRun } };
        // The point is that these are not what the type says.
        const facts = made as unknown as Facts;
        expect(["ALLOW", "BLOCK"]).toContain(decide(set, facts).verdict);
      }),
      { numRuns: 3_000 },
    );
  });

  it("keep to the bounds, however deep and large", () => {
    let deep: unknown = "a";
    for (let level = 0; level < 50_000; level += 1) deep = level % 2 === 0 ? [deep] : { x: deep };
    const wide = Array.from({ length: 200_000 }, (_, at) => ({ y: `${at}` }));
    const text = `${"a".repeat(250_000)}b`;
    for (const value of [deep, wide, text, { x: wide }, { x: { y: text } }]) {
      const call = { args: value as never, result: value as never };
      const decision = decide(set, factsOf({ phase: "tool.after", call, run: { context: value as never } }));
      expect(decision.verdict).toBe("BLOCK");
    }
  });
});

describe("a run of many calls", () => {
  it("never lets more through than its limit, in whatever order calls begin and end", () => {
    const limited = compile([
      policyOf([
        ruleOf({ id: "calls", when: { kind: "maxCalls", scope: "run", max: 5 } }),
        ruleOf({
          id: "cost",
          when: {
            kind: "metricWindow",
            scope: "run",
            metric: "cost",
            aggregate: "sum",
            op: "gt",
            value: 10,
            estimate: 3,
          },
        }),
      ]),
    ]);
    const steps = fc.array(fc.record({ begin: fc.boolean(), cost: fc.integer({ min: 0, max: 3 }), pick: fc.nat() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (plan) => {
        const state = createRunState();
        const open: string[] = [];
        let started = 0;
        let cost = 0;
        plan.forEach((step, at) => {
          if (step.begin) {
            const facts = factsOf({ call: { callId: `c${at}` }, run: { state } });
            const decision = decide(limited, facts);
            noteCall(limited, facts, decision);
            if (decision.verdict === "BLOCK") return;
            open.push(`c${at}`);
            started += 1;
          } else if (open.length > 0) {
            const [callId = ""] = open.splice(step.pick % open.length, 1);
            cost += step.cost;
            noteResult(
              limited,
              factsOf({ phase: "tool.after", call: { callId }, metrics: { cost: step.cost }, run: { state } }),
            );
          }
        });
        expect(started).toBeLessThanOrEqual(5);
        expect(cost).toBeLessThanOrEqual(10);
      }),
      { numRuns: 500 },
    );
  });

  it("asks and notes without throwing, whatever the policies", () => {
    fc.assert(
      fc.property(policiesArb, fc.array(factsArb, { maxLength: 4 }), (policies, all) => {
        const set = compile(policies);
        const state = createRunState();
        for (const made of all) {
          const facts = { ...made, run: { ...made.run, state } };
          needs(set, facts);
          noteResult(set, facts);
          noteCall(set, facts, decide(set, facts));
          sharedAdds(set, facts);
        }
      }),
      { numRuns: 500 },
    );
  });
});
