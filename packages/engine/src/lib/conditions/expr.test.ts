import type { Condition, JsonValue, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { prepareExpressions } from "../check/prepare-expressions.ts";
import { factsOf, outcomeFor, policyOf, ruleOf } from "../facts.fixture.ts";
import { FlowRun } from "../flow/flow.fixture.ts";

const expr = (src: string): Condition => ({ kind: "expr", lang: "cel", src });

function prepared(policy: Policy): Policy {
  const { policies, issues } = prepareExpressions([policy]);
  expect(issues).toEqual([]);
  return policies[0] ?? expect.fail("no policy");
}

function outcomeOf(src: string, args: JsonValue, context: { readonly [key: string]: JsonValue } = {}) {
  const when = prepared(policyOf([ruleOf({ when: expr(src) })])).rules[0]?.when ?? expect.fail("no condition");
  return outcomeFor(when, factsOf({ call: { args }, run: { context } }));
}

describe("an instant made of a number", () => {
  const src = "timestamp(int(args.at)).getFullYear() > 2000";

  it("is an error beyond the years that there are", () => {
    expect(outcomeOf(src, { at: 1.7e9 })).toBe("true");
    expect(outcomeOf(src, { at: 1e13 })).toBe("unknown");
    expect(outcomeOf('string(timestamp(9223372036854775807)) == "x" || true', {})).toBe("true");
  });

  it("adds the labels of a source that reads it, when it cannot be told", () => {
    const policy = prepared(
      policyOf([ruleOf({ when: { kind: "label", anyOf: ["secret"] } })], {
        flow: { sources: [{ tool: { name: "read" }, when: expr(src), add: ["secret"] }] },
      }),
    );
    expect(new FlowRun([policy]).call("read", "x", { at: 1 }).labels).toEqual([]);
    expect(new FlowRun([policy]).call("read", "x", { at: 1e13 }).labels).toEqual(["secret"]);
  });
});

describe("a loop that takes too many steps", () => {
  it("leaves no variable of its own behind", () => {
    const list = Array.from({ length: 1_000 }, () => false);
    const loop = (name: string): string => `context.l.exists(${name}, context.l.exists(y, false)) || args.amount == 5`;
    expect(outcomeOf(loop("z"), { amount: 5 }, { l: list })).toBe("true");
    expect(outcomeOf(loop("args"), { amount: 5 }, { l: list })).toBe("true");
  });
});

describe("a condition that fails", () => {
  const args = Object.defineProperty({}, "to", {
    enumerable: true,
    get: () => {
      throw new Error("trap");
    },
  });
  const when: Condition = { kind: "toolArg", path: "to", type: "string", op: "eq", value: "a" };

  it("is unknown to its rule, beside what is known", () => {
    const facts = factsOf({ call: { args } });
    expect(outcomeFor(when, facts)).toBe("unknown");
    expect(outcomeFor({ kind: "or", any: [when, { kind: "toolName", op: "eq", value: "send_email" }] }, facts)).toBe(
      "true",
    );
  });

  it("adds the labels of its source", () => {
    const policy = policyOf([ruleOf({ when: { kind: "label", anyOf: ["secret"] } })], {
      flow: { sources: [{ tool: { name: "read" }, when, add: ["secret"] }] },
    });
    expect(new FlowRun([policy]).call("read", "x", args).labels).toEqual(["secret"]);
  });
});
