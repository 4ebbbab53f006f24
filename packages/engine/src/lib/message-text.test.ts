import type { Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { decideBy, type FactsChange, factsOf, llmFactsOf, policyOf, ruleOf } from "./facts.fixture.ts";

const messageFor = (when: object | undefined, args: unknown = {}, change: FactsChange = {}): string => {
  const rule = ruleOf(when === undefined ? {} : { when: when as Condition });
  return decideBy([policyOf([rule])], factsOf({ ...change, call: { args: args as never, ...change.call } })).message;
};
const arg = (change: object): object => ({ kind: "toolArg", path: "x", ...change });
const hintFor = (when: object, args: unknown): string | undefined => messageFor(when, args).split("; ")[1];

describe("the message of a decision", () => {
  it("gives the author's reason on one line, else the rule's name", () => {
    const spoken = (reason?: string): string =>
      decideBy(
        [policyOf([ruleOf({ effect: { type: "block", ...(reason === undefined ? {} : { reason }) } })])],
        factsOf(),
      ).message;
    expect(spoken("refunds above 500\n need  approval.")).toBe("this call was denied: refunds above 500 need approval");
    expect(spoken()).toBe("this call was denied: rule");
  });
  it("says what was denied in each phase", () => {
    const rule = ruleOf({ on: ["tool.before", "tool.after", "llm.before", "llm.after"] });
    const by = (facts: ReturnType<typeof factsOf>): string => decideBy([policyOf([rule])], facts).message;
    expect([
      by(factsOf()),
      by(factsOf({ phase: "tool.after" })),
      by(llmFactsOf()),
      by(llmFactsOf({ phase: "llm.after" })),
    ]).toEqual([
      "this call was denied: no",
      "the result of this call was withheld: no",
      "this request was denied: no",
      "this response was withheld: no",
    ]);
  });
  it("says that the run ends, and that a person is asked", () => {
    const held = ruleOf({ effect: { type: "hitl", reason: "big", control: "TERMINATE" } });
    expect(decideBy([policyOf([held])], factsOf()).message).toBe(
      "this call was not made: it needs a person's approval: big; this run ends here",
    );
  });

  const hints: readonly (readonly [when: object, args: unknown, hint: string | undefined])[] = [
    [arg({ type: "number", op: "gt", value: 5 }), { x: 9 }, "`x` may be at most 5"],
    [arg({ type: "number", op: "gte", value: 5 }), { x: 9 }, "`x` must be less than 5"],
    [arg({ type: "number", op: "lt", value: 5 }), { x: 1 }, "`x` must be at least 5"],
    [arg({ type: "number", op: "lte", value: 5 }), { x: 1 }, "`x` must be more than 5"],
    [arg({ type: "number", op: "neq", value: 5 }), { x: 1 }, "`x` must be 5"],
    [arg({ type: "number", op: "eq", value: 5 }), { x: 5 }, undefined],
    [arg({ type: "number", op: "notIn", value: [1, 2] }), { x: 5 }, "`x` must be one of 1, 2"],
    [arg({ type: "number", op: "gt", value: 5 }), { x: "9" }, "`x` must be a number"],
    [arg({ type: "boolean", op: "eq", value: true }), { x: true }, "`x` must be false"],
    [arg({ type: "string", op: "notIn", value: ["a", "b"] }), { x: "c" }, "`x` must be one of `a`, `b`"],
    [arg({ type: "string", op: "in", value: ["secret"] }), { x: "secret" }, undefined],
    [arg({ type: "string", op: "longerThan", value: 2 }), { x: "abc" }, "`x` may have at most 2 characters"],
    [
      { kind: "not", not: arg({ type: "string", op: "startsWith", value: "/tmp/" }) },
      { x: "/etc" },
      "`x` must start with `/tmp/`",
    ],
    [{ kind: "not", not: arg({ type: "string", op: "eq", value: "abc" }) }, { x: "b" }, undefined],
    [arg({ type: "array", op: "longerThan", value: 1 }), { x: [1, 2] }, "`x` may have at most 1 entries"],
    [arg({ type: "any", op: "absent" }), {}, "`x` is required"],
    [arg({ type: "any", op: "exists" }), { x: 1 }, "`x` must be left out"],
    [{ kind: "sequence", notCalled: [{ name: "login" }] }, {}, "call `login` first"],
    [{ kind: "maxCalls", scope: "run", max: 0 }, {}, "at most 0 calls are allowed in one run"],
    [
      {
        kind: "not",
        not: { kind: "timeGate", windows: [{ days: ["mon"], start: "09:00", end: "10:00" }], timezone: "UTC" },
      },
      {},
      "it is allowed mon 09:00-10:00 (UTC)",
    ],
    [
      { kind: "and", all: [{ kind: "toolName", op: "exists" }, arg({ type: "number", op: "gt", value: 5 })] },
      { x: 9 },
      "`x` may be at most 5",
    ],
    [
      { kind: "or", any: [arg({ type: "number", op: "gt", value: 5 }), arg({ path: "y", type: "any", op: "absent" })] },
      { x: 9 },
      "`x` may be at most 5, and `y` is required",
    ],
    [
      { kind: "or", any: [arg({ type: "number", op: "gt", value: 5 }), { kind: "toolName", op: "exists" }] },
      { x: 9 },
      undefined,
    ],
  ];
  it.each(hints)("says what would be allowed: %j", (when, args, hint) => {
    expect(hintFor(when, args)).toBe(hint);
  });

  it("never repeats a secret of a policy", () => {
    const key = `sk-ant-api03-${"aB3dE5fG7h".repeat(9)}AA`;
    expect(messageFor(arg({ type: "string", op: "notIn", value: [key] }), { x: "no" })).toBe(
      "this call was denied: no",
    );
  });
});
