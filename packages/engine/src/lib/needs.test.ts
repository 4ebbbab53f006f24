import { describe, expect, it } from "vitest";
import { compile } from "./compile.ts";
import { factsOf, llmFactsOf, policyOf, ruleOf } from "./facts.fixture.ts";
import { needs } from "./needs.ts";
import { sharedAdds } from "./shared-adds.ts";

describe("needs", () => {
  const set = compile([
    policyOf([
      ruleOf({ id: "a", when: { kind: "signal", signal: "risk", type: "number", op: "gt", value: 1 } }),
      ruleOf({
        id: "b",
        when: {
          kind: "or",
          any: [
            { kind: "signal", signal: "risk", type: "any", op: "exists" },
            { kind: "signal", signal: "mood", type: "any", op: "exists" },
            { kind: "custom", name: "ok", args: { x: 1 } },
            { kind: "custom", name: "ok", args: { x: 1 } },
            { kind: "not", not: { kind: "subject", subjectType: "patient", op: "exists" } },
          ],
        },
      }),
      ruleOf({
        id: "c",
        exact: true,
        when: {
          kind: "and",
          all: [
            { kind: "maxCalls", scope: "run", max: 9 },
            { kind: "maxCalls", scope: "agentActor", max: 9, windowSeconds: 60 },
            {
              kind: "metricWindow",
              scope: "group",
              metric: "cost",
              aggregate: "sum",
              windowSeconds: 60,
              op: "gt",
              value: 5,
            },
          ],
        },
      }),
      ruleOf({ id: "off", enabled: false, when: { kind: "signal", signal: "never", type: "any", op: "exists" } }),
      ruleOf({
        id: "other",
        tool: { name: "other" },
        when: { kind: "signal", signal: "other", type: "any", op: "exists" },
      }),
    ]),
  ]);

  it("joins what the rules for this call may read", () => {
    expect(needs(set, factsOf())).toEqual({
      subjects: true,
      signals: ["risk", "mood"],
      customs: [{ key: 'ok\n{"x":1}', name: "ok", args: { x: 1 } }],
      shared: [
        {
          key: { policyId: "p", ruleId: "c", index: 1, scope: "agentActor", scopeId: "support/u_42" },
          metric: "calls",
          aggregate: "count",
          windowMs: 60_000,
          limit: 9,
          ceiling: 9,
          amount: 1,
          exact: true,
        },
      ],
    });
  });
  it("is nothing where no rule reads anything", () => {
    expect(needs(set, llmFactsOf())).toEqual({ subjects: false, signals: [], customs: [], shared: [] });
  });
});

describe("sharedAdds", () => {
  const window = { windowSeconds: 60, scope: "agent" } as const;
  const metric = (aggregate: "sum" | "avg" | "count", estimate?: number): object => ({
    kind: "metricWindow",
    ...window,
    metric: "cost",
    aggregate,
    op: "gt",
    value: 5,
    ...(estimate === undefined ? {} : { estimate }),
  });
  const all = [
    { kind: "maxCalls", ...window, max: 3 },
    metric("sum", 2),
    metric("sum"),
    metric("avg"),
    metric("count"),
  ];
  const set = compile([policyOf([ruleOf({ when: { kind: "and", all: all as never } })])]);
  const adds = (facts: ReturnType<typeof factsOf>): unknown[] =>
    sharedAdds(set, facts).map(({ kind, key, amount }) => [key.index, kind, amount]);

  it("lists what a call that was let through adds", () => {
    expect(adds(factsOf())).toEqual([
      [0, "add", 1],
      [1, "reserve", 2],
      [4, "reserve", 1],
    ]);
    expect(sharedAdds(set, factsOf())[0]).toEqual({
      kind: "add",
      key: { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "support" },
      metric: "calls",
      aggregate: "count",
      windowMs: 60_000,
      limit: 3,
      ceiling: 3,
      exact: false,
      amount: 1,
    });
  });
  it("lists what a call that ended added", () => {
    expect(adds(factsOf({ phase: "tool.after", metrics: { cost: 7 } }))).toEqual([
      [1, "settle", 7],
      [2, "settle", 7],
      [3, "add", 7],
      [4, "settle", 1],
    ]);
    expect(adds(factsOf({ phase: "tool.after" }))).toEqual([
      [1, "release", 0],
      [2, "release", 0],
      [4, "release", 0],
    ]);
    expect(adds(factsOf({ phase: "tool.after", call: { error: { message: "x" } } }))).toEqual([
      [1, "settle", 2],
      [2, "release", 0],
      [4, "release", 0],
    ]);
  });
  it("leaves out windows of the run, and of policies that are off or for other agents", () => {
    const limit = (change: object): ReturnType<typeof ruleOf> =>
      ruleOf({ when: { kind: "maxCalls", ...window, max: 3, ...change } });
    const some = compile([
      policyOf([limit({ scope: "run" })], { id: "run" }),
      policyOf([limit({})], { id: "off", enabled: false }),
      policyOf([limit({})], { id: "other", agents: { anyOfSlugs: ["other"] } }),
      policyOf([limit({})], { id: "own", agents: { anyOfSlugs: ["support"] } }),
      policyOf([limit({})], { id: "shadow", mode: "shadow" }),
    ]);
    expect(sharedAdds(some, factsOf()).map(({ key }) => key.policyId)).toEqual(["own", "shadow"]);
  });
  it("does not count calls that neither rule nor condition selects", () => {
    const other = compile([
      policyOf([ruleOf({ tool: { name: "other" }, when: { kind: "maxCalls", ...window, max: 3 } })]),
    ]);
    expect(sharedAdds(other, factsOf())).toEqual([]);
    expect(sharedAdds(other, llmFactsOf())).toEqual([]);
    expect(sharedAdds(other, factsOf({ call: { tool: { name: "other", tags: [] } } }))).toHaveLength(1);
  });
});
