import type { Condition, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { prepareExpressions } from "./check/prepare-expressions.ts";
import { compile } from "./compile.ts";
import { readsRunState } from "./reads-run-state.ts";

const AGENT = { slug: "support", tags: ["prod"] };

function asks(when: Condition, change: Partial<Policy> = {}): boolean {
  const rule = { name: "r", on: "tool.before", when, effect: { type: "block" } } as const;
  return readsRunState(compile(prepareExpressions([{ name: "p", rules: [rule], ...change }]).policies), AGENT);
}

const amount: Condition = { kind: "toolArg", path: "a", type: "number", op: "gt", value: 1 };
const label: Condition = { kind: "label", allOf: ["private"] };
const expr = (src: string): Condition => ({ kind: "expr", lang: "cel", src });

describe("readsRunState", () => {
  it.each<[string, Condition]>([
    ["maxCalls of the run", { kind: "maxCalls", scope: "run", max: 1 }],
    ["a metric of the run", { kind: "metricWindow", scope: "run", metric: "x", aggregate: "sum", op: "gt", value: 1 }],
    ["how long the run took", { kind: "executionTime", scope: "run", op: "gt", valueMs: 1 }],
    ["a sequence", { kind: "sequence", called: [{ name: "a" }] }],
    ["a label", label],
    ["origins", { kind: "argFrom", paths: ["a"], origins: ["untrusted"] }],
    ["a label in an expression", expr('label("private")')],
    ["a call in an expression", expr('args.a > 1 && called("pay*")')],
    ["the run in an expression", expr('run.id == "x"')],
    ["one branch of many", { kind: "and", all: [amount, { kind: "not", not: { kind: "or", any: [amount, label] } }] }],
  ])("holds for %s", (_name, when) => {
    expect(asks(when)).toBe(true);
  });

  it.each<[string, Condition]>([
    ["an argument", amount],
    ["a shared window", { kind: "maxCalls", scope: "agent", max: 1, windowSeconds: 60 }],
    ["how long a call took", { kind: "executionTime", scope: "call", op: "gt", valueMs: 1 }],
    ["an expression of the call", expr('args.a > 1 && actor.externalId == "run"')],
  ])("does not hold for %s", (_name, when) => {
    expect(asks(when)).toBe(false);
  });

  it("looks at the rules alone that can decide for the agent", () => {
    expect(asks(label, { enabled: false })).toBe(false);
    expect(asks(label, { mode: "shadow" })).toBe(true);
    expect(asks(label, { agents: { anyOfSlugs: ["other"] } })).toBe(false);
    expect(asks(label, { agents: { anyOfTags: ["prod"] } })).toBe(true);
  });

  it("holds where labels of the session come from its runs", () => {
    const sources = [{ tool: { name: "web" }, add: ["untrusted"] }];
    expect(asks(amount, { flow: { scope: "session", sources } })).toBe(true);
    expect(asks(amount, { flow: { sources } })).toBe(false);
  });
});
