import type { Condition, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "../compile.ts";
import { createRunState } from "../create-run-state.ts";
import { decide } from "../decide.ts";
import { type FactsChange, factsOf, llmFactsOf, NOON_MS, outcomeFor, policyOf, ruleOf } from "../facts.fixture.ts";
import type { Facts, SharedNeed, SharedReading } from "../facts.ts";
import { noteCall, noteResult } from "../note.ts";

/** Plays calls through a policy, noting what is let through, and gives the verdicts. */
function play(policies: readonly Policy[], calls: readonly FactsChange[]): readonly string[] {
  const set = compile(policies);
  const state = createRunState();
  return calls.map((change, at) => {
    const call = { callId: `c_${at}`, ...change.call };
    const facts = factsOf({ ...change, call, run: { ...change.run, state } });
    const decision = decide(set, facts);
    noteCall(set, facts, decision);
    return decision.verdict;
  });
}

const at = (seconds: number, change: FactsChange = {}): FactsChange => ({ ...change, nowMs: NOON_MS + seconds * 1000 });
const named = (name: string): FactsChange => ({ call: { tool: { name, tags: [] } } });

describe("maxCalls in a run", () => {
  it("holds for the call after the last one allowed", () => {
    const policy = policyOf([ruleOf({ when: { kind: "maxCalls", scope: "run", max: 2 } })]);
    expect(play([policy], [{}, {}, {}, {}])).toEqual(["ALLOW", "ALLOW", "BLOCK", "BLOCK"]);
  });
  it("counts the calls that the rule selects", () => {
    const policy = policyOf([ruleOf({ tool: { name: "a" }, when: { kind: "maxCalls", scope: "run", max: 1 } })]);
    expect(play([policy], [named("b"), named("b"), named("a"), named("b"), named("a")])).toEqual([
      "ALLOW",
      "ALLOW",
      "ALLOW",
      "ALLOW",
      "BLOCK",
    ]);
  });
  it("counts the calls that the condition selects, this one only if it is among them", () => {
    const policy = policyOf([ruleOf({ when: { kind: "maxCalls", scope: "run", max: 1, tool: { name: "a" } } })]);
    expect(play([policy], [named("a"), named("b"), named("a"), named("b")])).toEqual([
      "ALLOW",
      "ALLOW",
      "BLOCK",
      "ALLOW",
    ]);
  });
  it("forgets calls that left the window", () => {
    const policy = policyOf([ruleOf({ when: { kind: "maxCalls", scope: "run", max: 2, windowSeconds: 60 } })]);
    expect(play([policy], [at(0), at(30), at(59), at(60), at(61), at(90)])).toEqual([
      "ALLOW",
      "ALLOW",
      "BLOCK",
      "ALLOW",
      "BLOCK",
      "ALLOW",
    ]);
  });
  it("says when there is room again", () => {
    const policy = policyOf([ruleOf({ when: { kind: "maxCalls", scope: "run", max: 1, windowSeconds: 60 } })]);
    const set = compile([policy]);
    const state = createRunState();
    const first = factsOf({ run: { state } });
    noteCall(set, first, decide(set, first));
    const second = decide(set, factsOf({ run: { state }, nowMs: NOON_MS + 1000 }));
    expect(second.cause).toEqual({ kind: "BUDGET_EXHAUSTED", ruleId: "r", policyId: "p", resetAt: NOON_MS + 60_000 });
    expect(second.message).toBe(
      "this call was denied: no; at most 1 call is allowed in 60 seconds; there is room again at 2025-01-15T12:01:00.000Z",
    );
  });
  it("counts model calls for a rule on model requests", () => {
    const rule = ruleOf({ on: "llm.before", when: { kind: "maxCalls", scope: "run", max: 1 } });
    const set = compile([policyOf([rule])]);
    const state = createRunState();
    const tool = factsOf({ run: { state } });
    noteCall(set, tool, decide(set, tool));
    const verdicts = [0, 1].map(() => {
      const facts = llmFactsOf({ run: { state } });
      const decision = decide(set, facts);
      noteCall(set, facts, decision);
      return decision.verdict;
    });
    expect(verdicts).toEqual(["ALLOW", "BLOCK"]);
  });
  it("has this call in already after it ended", () => {
    const rule = ruleOf({ on: ["tool.before", "tool.after"], when: { kind: "maxCalls", scope: "run", max: 1 } });
    const set = compile([policyOf([rule])]);
    const state = createRunState();
    const before = factsOf({ run: { state } });
    noteCall(set, before, decide(set, before));
    const after = factsOf({ phase: "tool.after", run: { state } });
    noteResult(set, after);
    expect(decide(set, after).verdict).toBe("ALLOW");
    expect(decide(set, factsOf({ run: { state } })).verdict).toBe("BLOCK");
  });
  it("does not count calls that were blocked", () => {
    const set = compile([policyOf([ruleOf({ when: { kind: "maxCalls", scope: "run", max: 1 } })])]);
    const state = createRunState();
    const facts = factsOf({ run: { state } });
    noteCall(set, facts, { verdict: "BLOCK" });
    noteCall(set, { ...facts, phase: "tool.after" }, { verdict: "ALLOW" });
    expect(decide(set, facts).verdict).toBe("ALLOW");
  });
});

describe("metricWindow in a run", () => {
  const spend = (rest: object): Condition =>
    ({
      kind: "metricWindow",
      scope: "run",
      metric: "cost",
      aggregate: "sum",
      op: "gt",
      value: 10,
      ...rest,
    }) as Condition;
  /** Calls that add `amounts`, each ended; then what the condition comes to. */
  function after(
    condition: Condition,
    amounts: readonly (number | undefined)[],
    change: FactsChange = {},
  ): string | undefined {
    const set = compile([policyOf([ruleOf({ when: condition })])]);
    const state = createRunState();
    amounts.forEach((cost, index) => {
      const call = { callId: `c_${index}` };
      const metrics = cost === undefined ? {} : { cost };
      noteCall(set, factsOf({ call, run: { state } }), { verdict: "ALLOW" });
      noteResult(set, factsOf({ phase: "tool.after", call, metrics, run: { state } }));
    });
    return decide(set, factsOf({ ...change, call: { callId: "last" }, run: { state } })).evaluatedRules[0]?.outcome;
  }
  it("adds up", () => {
    expect(after(spend({}), [4, 6])).toBe("false");
    expect(after(spend({}), [4, 6.5])).toBe("true");
    expect(after(spend({ op: "gte" }), [4, 6])).toBe("true");
    expect(after(spend({ op: "lt" }), [])).toBe("true");
    expect(after(spend({ op: "lte" }), [10.5])).toBe("false");
    expect(after(spend({ estimate: 1 }), [4, 6])).toBe("true");
  });
  it("takes averages, extremes and counts", () => {
    expect(after(spend({ aggregate: "avg", value: 4 }), [2, 8])).toBe("true");
    expect(after(spend({ aggregate: "avg", value: 4, estimate: 100 }), [2, 2])).toBe("false");
    expect(after(spend({ aggregate: "max", value: 4 }), [5, 1])).toBe("true");
    expect(after(spend({ aggregate: "max", value: 4, estimate: 5 }), [1])).toBe("true");
    expect(after(spend({ aggregate: "min", op: "lt", value: 4 }), [5, 1])).toBe("true");
    expect(after(spend({ aggregate: "min", op: "lt", value: 4, estimate: 1 }), [5])).toBe("true");
    expect(after(spend({ aggregate: "count", op: "gte", value: 3 }), [5, 1])).toBe("true");
    expect(after(spend({ aggregate: "count", op: "gt", value: 3 }), [5, 1])).toBe("false");
  });
  it("is absent for the average or an extreme of nothing", () => {
    for (const aggregate of ["avg", "max", "min"]) {
      expect(after(spend({ aggregate, op: "lt" }), [])).toBe("false");
      expect(after(spend({ aggregate, op: "gt", value: -1 }), [undefined])).toBe("false");
    }
  });
  it("does not know a sum with a number that is none", () => {
    expect(after(spend({}), [Number.NaN])).toBe("unknown");
    expect(after(spend({}), [Infinity])).toBe("unknown");
  });
  it("holds estimates for calls in flight, and settles them", () => {
    const set = compile([policyOf([ruleOf({ when: spend({ estimate: 4 }) })])]);
    const state = createRunState();
    const ask = (callId: string): string => decide(set, factsOf({ call: { callId }, run: { state } })).verdict;
    const start = (callId: string): void =>
      noteCall(set, factsOf({ call: { callId }, run: { state } }), { verdict: "ALLOW" });
    const end = (callId: string, rest: FactsChange): void =>
      noteResult(set, factsOf({ phase: "tool.after", run: { state }, ...rest, call: { callId, ...rest.call } }));
    start("a");
    start("b");
    expect(ask("c")).toBe("BLOCK");
    end("a", { metrics: { cost: 1 } });
    expect(ask("c")).toBe("ALLOW");
    end("b", {});
    start("c");
    expect(ask("d")).toBe("ALLOW");
    end("c", { call: { error: { message: "failed" } } });
    start("d");
    expect(ask("e")).toBe("BLOCK");
    end("d", { metrics: { cost: 0 } });
    expect(ask("e")).toBe("ALLOW");
  });
  it("assumes metrics of models only for model calls", () => {
    const condition = spend({ metric: "llm_cost_usd", estimate: 20 });
    expect(outcomeFor(condition, factsOf())).toBe("false");
    expect(outcomeFor(condition, llmFactsOf())).toBe("true");
  });
  it("counts the calls that its selector takes", () => {
    const condition = spend({ tool: { name: "other" }, estimate: 20 });
    expect(outcomeFor(condition, factsOf())).toBe("false");
    expect(outcomeFor(condition, factsOf(named("other")))).toBe("true");
    expect(outcomeFor(condition, llmFactsOf())).toBe("false");
  });
});

describe("windows beyond the run", () => {
  const calls: Condition = { kind: "maxCalls", scope: "actor", max: 5, windowSeconds: 60 };
  const asked = (
    reading: SharedReading | undefined,
    change: FactsChange = {},
  ): { facts: Facts; needs: SharedNeed[] } => {
    const needs: SharedNeed[] = [];
    const read = (need: SharedNeed): SharedReading | undefined => {
      needs.push(need);
      return reading;
    };
    return { facts: factsOf({ shared: { read }, ...change }), needs };
  };
  it("adds this call to the reading", () => {
    expect(outcomeFor(calls, asked({ value: 4 }).facts)).toBe("false");
    expect(outcomeFor(calls, asked({ value: 5 }).facts)).toBe("true");
    expect(outcomeFor(calls, asked({ value: Number.NaN }).facts)).toBe("unknown");
    expect(outcomeFor(calls, asked(undefined).facts)).toBe("unavailable");
    expect(outcomeFor(calls, factsOf())).toBe("unavailable");
  });
  it("names what it reads", () => {
    const { facts, needs } = asked({ value: 0 });
    outcomeFor(calls, facts, { exact: true });
    expect(needs).toEqual([
      {
        key: { policyId: "p", ruleId: "r", index: 0, scope: "actor", scopeId: "u_42" },
        metric: "calls",
        aggregate: "count",
        windowMs: 60_000,
        limit: 5,
        ceiling: 5,
        amount: 1,
        exact: true,
      },
    ]);
  });
  it("belongs to whom the scope says", () => {
    const actor = { externalId: "u", group: { externalId: "g" } };
    const scopeIds = (["session", "agent", "actor", "agentActor", "group", "workspace"] as const).map((scope) => {
      const { facts, needs } = asked({ value: 0 }, { actor, run: { sessionId: "s" } });
      outcomeFor({ ...calls, scope } as Condition, facts);
      return needs[0]?.key.scopeId;
    });
    expect(scopeIds).toEqual(["s", "support", "u", "support/u", "g", ""]);
  });
  it("is absent where there is nobody", () => {
    for (const scope of ["actor", "agentActor", "group", "session"]) {
      const { facts } = asked({ value: 99 }, { actor: undefined });
      expect(outcomeFor({ ...calls, scope } as Condition, facts)).toBe("false");
    }
  });
  it("adds the estimate of this call, and nothing once it has ended: the reading has it in", () => {
    const cost = (rest: object): Condition =>
      ({
        kind: "metricWindow",
        scope: "agent",
        metric: "cost",
        aggregate: "sum",
        windowSeconds: 60,
        op: "gt",
        value: 10,
        ...rest,
      }) as Condition;
    expect(outcomeFor(cost({}), asked({ value: 10 }).facts)).toBe("false");
    expect(outcomeFor(cost({ estimate: 1 }), asked({ value: 10 }).facts)).toBe("true");
    const after = asked({ value: 10 }, { phase: "tool.after", metrics: { cost: 2 } });
    expect(outcomeFor(cost({ estimate: 99 }), after.facts)).toBe("false");
    expect(after.needs[0]?.amount).toBe(0);
    expect(outcomeFor(cost({ aggregate: "max", value: 3 }), asked({ value: null }).facts)).toBe("false");
  });
});
