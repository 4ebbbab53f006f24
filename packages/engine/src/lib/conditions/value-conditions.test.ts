import type { Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { factsOf, outcomeFor } from "../facts.fixture.ts";

const arg = (change: object): Condition => ({ kind: "toolArg", path: "x", ...change }) as Condition;
const withArgs = (args: unknown, rest: object = {}): ReturnType<typeof factsOf> =>
  factsOf({ call: { args: args as never, ...rest } });
const ask = (change: object, args: unknown, rest: object = {}): string | undefined =>
  outcomeFor(arg(change), withArgs(args, rest));

describe("number operators", () => {
  const cases: readonly (readonly [op: string, operand: unknown, holds: number, fails: number])[] = [
    ["eq", 5, 5, 5.1],
    ["neq", 5, 4, 5],
    ["gt", 5, 5.1, 5],
    ["gte", 5, 5, 4.9],
    ["lt", 5, 4.9, 5],
    ["lte", 5, 5, 5.1],
    ["in", [1, 5], 5, 2],
    ["notIn", [1, 5], 2, 1],
  ];
  it.each(cases)("%s %j", (op, value, holds, fails) => {
    const outcomes = [
      holds,
      fails,
      String(holds),
      `${holds}n`,
      Number.NaN,
      Infinity,
      true,
      [holds],
      null,
      undefined,
    ].map((x) => ask({ type: "number", op, value }, { x }));
    const unknowns = Array(6).fill("unknown");
    expect(outcomes).toEqual(["true", "false", ...unknowns, "false", "false"]);
  });
});

describe("boolean and list operators", () => {
  it("compares true and false", () => {
    expect([true, false, "true", 1, null].map((x) => ask({ type: "boolean", op: "eq", value: true }, { x }))).toEqual([
      "true",
      "false",
      "unknown",
      "unknown",
      "false",
    ]);
    expect([true, false].map((x) => ask({ type: "boolean", op: "neq", value: true }, { x }))).toEqual([
      "false",
      "true",
    ]);
  });
  it("looks for an element", () => {
    const lists = [["a", "b"], ["b"], [], [null], ["b", 1], [["a"]], "a", null];
    expect(lists.map((x) => ask({ type: "array", op: "contains", value: "a" }, { x }))).toEqual([
      "true",
      "false",
      "false",
      "false",
      "unknown",
      "unknown",
      "unknown",
      "false",
    ]);
    expect(lists.map((x) => ask({ type: "array", op: "notContains", value: "a" }, { x }))).toEqual([
      "false",
      "true",
      "true",
      "true",
      "unknown",
      "unknown",
      "unknown",
      "false",
    ]);
    expect(ask({ type: "array", op: "contains", value: 5 }, { x: ["5"] })).toBe("unknown");
  });
  it("counts elements", () => {
    expect([[1, 2], [1], "ab"].map((x) => ask({ type: "array", op: "longerThan", value: 1 }, { x }))).toEqual([
      "true",
      "false",
      "unknown",
    ]);
    expect([[1, 2], [1], {}].map((x) => ask({ type: "array", op: "shorterThan", value: 2 }, { x }))).toEqual([
      "false",
      "true",
      "unknown",
    ]);
  });
});

describe("paths", () => {
  const over = { type: "number", op: "gt", value: 10 };
  it("reads own properties alone", () => {
    expect(ask({ path: "constructor.name", type: "any", op: "exists" }, {})).toBe("false");
    expect(ask({ path: "__proto__.y", type: "any", op: "exists" }, JSON.parse('{"__proto__":{"y":1}}'))).toBe("true");
    expect(ask({ path: "a.b", ...over }, { a: "text" })).toBe("unknown");
    expect(ask({ path: "a.b", ...over }, { a: null })).toBe("false");
    expect(ask({ path: "a[1].b", ...over }, { a: [{}, { b: 11 }] })).toBe("true");
    expect(ask({ path: "a.1.b", ...over }, { a: [{}, { b: 11 }] })).toBe("true");
  });
  it("joins many values after Kleene", () => {
    const any = (prices: unknown[]): string | undefined =>
      ask({ path: "i[].p", ...over }, { i: prices.map((p) => ({ p })) });
    const all = (prices: unknown[]): string | undefined =>
      ask({ path: "i[].p", quantifier: "all", ...over }, { i: prices.map((p) => ({ p })) });
    expect([[11, 1], [1, 2], ["9", 11], ["9", 1], [undefined, 11], [undefined, 1], [null, 11], []].map(any)).toEqual([
      "true",
      "false",
      "true",
      "unknown",
      "true",
      "false",
      "true",
      "false",
    ]);
    expect([[11, 12], [11, 1], ["9", 11], ["9", 1], [undefined, 11], [null, 11], []].map(all)).toEqual([
      "true",
      "false",
      "unknown",
      "false",
      "false",
      "false",
      "false",
    ]);
  });
  it("takes an element without the value as absent", () => {
    const args = { i: [{ p: 11 }, {}] };
    const every = { path: "i[].p", quantifier: "all", ...over };
    expect(ask({ ...every, onMissing: "match" }, args)).toBe("true");
    expect(ask({ ...every, onMissing: "unknown" }, args)).toBe("unknown");
    expect(ask({ path: "i[].p", type: "any", op: "exists" }, args)).toBe("true");
    expect(ask({ path: "i[].p", type: "any", op: "absent" }, args)).toBe("true");
    expect(ask({ path: "i[].p", type: "any", op: "exists", quantifier: "all" }, args)).toBe("false");
    expect(ask({ path: "i[].p", type: "any", op: "absent", quantifier: "all" }, args)).toBe("false");
    expect(ask({ path: "i[].p", onMissing: "match", ...over }, { i: [] })).toBe("true");
  });

  it("joins places without a value and places of the wrong kind after Kleene", () => {
    const args = { i: [{}, "text"] };
    expect(ask({ path: "i[].p", type: "any", op: "absent" }, args)).toBe("true");
    expect(ask({ path: "i[].p", type: "any", op: "exists" }, args)).toBe("unknown");
    expect(ask({ path: "i[].p", onMissing: "match", ...over }, args)).toBe("true");
    expect(ask({ path: "i[].p", quantifier: "all", ...over }, args)).toBe("false");
  });
  it("compares the leaves of one type in a whole tree", () => {
    const args = { a: [1, "secret", { b: true, c: "x" }], d: null };
    expect(ask({ path: "**", type: "string", op: "contains", value: "ecre" }, args)).toBe("true");
    expect(ask({ path: "**", type: "string", op: "contains", value: "none" }, args)).toBe("false");
    expect(ask({ path: "**", ...over }, args)).toBe("false");
    expect(ask({ path: "**", type: "string", op: "eq", value: "x" }, { a: 1 })).toBe("false");
    expect(ask({ path: "**", type: "string", op: "eq", value: "x", onMissing: "match" }, { a: 1 })).toBe("true");
  });
  it("does not know what lies past the bounds", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 40; level += 1) deep = { deep };
    expect(ask({ path: "**", ...over }, deep)).toBe("unknown");
    expect(ask({ path: "**", ...over }, [11, deep])).toBe("true");
    expect(ask({ path: "[]", ...over }, Array(20_000).fill(1))).toBe("unknown");
  });
});

describe("arguments that exceeded a bound", () => {
  const cut = { argsExceeded: true };
  it("keeps what was found whole, and does not know the rest", () => {
    expect(ask({ type: "number", op: "gt", value: 5 }, { x: 9 }, cut)).toBe("true");
    expect(ask({ type: "number", op: "gt", value: 5 }, { x: 1 }, cut)).toBe("false");
    expect(ask({ type: "number", op: "gt", value: 5 }, {}, cut)).toBe("unknown");
    expect(ask({ type: "any", op: "exists" }, { x: 1 }, cut)).toBe("true");
    expect(ask({ type: "any", op: "absent" }, {}, cut)).toBe("unknown");
  });
  it("keeps of texts and lists what more text could not change", () => {
    expect(ask({ type: "string", op: "contains", value: "b" }, { x: "abc" }, cut)).toBe("true");
    expect(ask({ type: "string", op: "contains", value: "z" }, { x: "abc" }, cut)).toBe("unknown");
    expect(ask({ type: "string", op: "notContains", value: "b" }, { x: "abc" }, cut)).toBe("false");
    expect(ask({ type: "string", op: "notContains", value: "z" }, { x: "abc" }, cut)).toBe("unknown");
    expect(ask({ type: "string", op: "eq", value: "abc" }, { x: "abc" }, cut)).toBe("unknown");
    expect(ask({ type: "string", op: "longerThan", value: 2 }, { x: "abc" }, cut)).toBe("true");
    expect(ask({ type: "array", op: "contains", value: 1 }, { x: [1] }, cut)).toBe("true");
    expect(ask({ type: "array", op: "contains", value: 2 }, { x: [1] }, cut)).toBe("unknown");
    expect(ask({ type: "array", op: "shorterThan", value: 2 }, { x: [1] }, cut)).toBe("unknown");
  });
  it("joins many values", () => {
    const over = { path: "i[]", type: "number", op: "gt", value: 5 };
    expect(ask(over, { i: [1, 9] }, cut)).toBe("true");
    expect(ask(over, { i: [1] }, cut)).toBe("unknown");
    expect(ask({ ...over, quantifier: "all" }, { i: [1, 9] }, cut)).toBe("false");
    expect(ask({ ...over, quantifier: "all" }, { i: [9] }, cut)).toBe("unknown");
  });
});

describe("results and context", () => {
  const total: Condition = { kind: "toolArg", in: "result", path: "total", type: "number", op: "gt", value: 5 };
  const after = (call: object): ReturnType<typeof factsOf> => factsOf({ phase: "tool.after", call });
  it("reads a result, also one that is JSON or YAML text", () => {
    expect(outcomeFor(total, after({ result: { total: 9 } }))).toBe("true");
    expect(outcomeFor(total, after({ result: '{"total": 9}' }))).toBe("true");
    expect(outcomeFor(total, after({ result: "total: 9\nname: x\n" }))).toBe("true");
    expect(outcomeFor(total, after({ result: "the total is nine" }))).toBe("unknown");
    expect(outcomeFor(total, after({}))).toBe("false");
    expect(outcomeFor(total, factsOf())).toBe("false");
  });
  it("does not know what a cut result may have held", () => {
    expect(outcomeFor(total, after({ result: { n: 1 }, resultExceeded: true }))).toBe("unknown");
    expect(outcomeFor(total, after({ result: '{"name": "x", "to' }))).toBe("unknown");
  });
  it("reads the run's context", () => {
    const tier: Condition = { kind: "context", path: "user.tier", type: "string", op: "eq", value: "free" };
    const at = (context: unknown): string | undefined =>
      outcomeFor(tier, factsOf({ run: { context: context as never } }));
    expect(
      [{ user: { tier: "free" } }, { user: { tier: "pro" } }, { user: { tier: 1 } }, {}, null, "x"].map(at),
    ).toEqual(["true", "false", "unknown", "false", "false", "unknown"]);
  });
});
