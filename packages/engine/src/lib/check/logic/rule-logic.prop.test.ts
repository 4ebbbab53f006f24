import type { Comparison, Condition, JsonValue, Phase, Rule, TextComparison, ToolSelector } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../compile.ts";
import { decide } from "../../decide.ts";
import { factsOf, llmFactsOf, policyOf } from "../../facts.fixture.ts";
import { type Facts, UNKNOWN } from "../../facts.ts";
import { ruleContext } from "../check-context.ts";
import { RuleLogic } from "./rule-logic.ts";
import { WorkBudget } from "./work-budget.ts";

const TEXTS = ["", "a", "b", "ab", "aB", "abc", "ba", "bb", "abab", "c"] as const;
const NUMBERS = [-1, 0, 0.5, 1, 1.5, 2, 3] as const;
const text = fc.constantFrom("a", "b", "ab", "B", "ABC", "ba", "");
const glob = fc.constantFrom("a*", "*b", "?", "a?", "*", "ab", "*a*", "A*");
const ignoreCase = fc.constantFrom(undefined, true);
const size = fc.integer({ min: 0, max: 3 });
const onMissing = fc.constantFrom(undefined, "skip" as const, "match" as const, "unknown" as const);

const texts: fc.Arbitrary<TextComparison> = fc.oneof<fc.Arbitrary<TextComparison>[]>(
  fc.record({
    op: fc.constantFrom("eq" as const, "neq", "contains", "notContains", "startsWith", "endsWith"),
    value: text,
    ignoreCase,
  }),
  fc.record({
    op: fc.constantFrom("in" as const, "notIn"),
    value: fc.array(text, { minLength: 1, maxLength: 3 }),
    ignoreCase,
  }),
  fc.record({
    op: fc.constant("glob" as const),
    value: fc.oneof(glob, fc.array(glob, { minLength: 1, maxLength: 2 })),
    ignoreCase,
  }),
  fc.record({ op: fc.constant("matches" as const), value: fc.constantFrom("^a", "b$", "[ab]+"), ignoreCase }),
  fc.record({ op: fc.constantFrom("longerThan" as const, "shorterThan"), value: size }),
  fc.record({ op: fc.constantFrom("exists" as const, "absent") }),
);
const number = fc.constantFrom(0, 1, 2);
const comparison: fc.Arbitrary<Comparison> = fc.oneof<fc.Arbitrary<Comparison>[]>(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("number" as const),
      op: fc.constantFrom("eq" as const, "neq", "gt", "gte", "lt", "lte"),
      value: number,
    }),
  } as never,
  fc.record({
    type: fc.constant("number" as const),
    op: fc.constantFrom("in" as const, "notIn"),
    value: fc.array(number, { minLength: 1, maxLength: 2 }),
  }),
  {
    weight: 4,
    // A text comparison with its type is a comparison of text, or of presence with another type.
    arbitrary: texts.map(
      (one): Comparison =>
        one.op === "exists" || one.op === "absent"
          ? { type: "any", op: one.op }
          : ({ type: "string", ...one } as Comparison),
    ),
  } as never,
  fc.record({ type: fc.constant("boolean" as const), op: fc.constantFrom("eq" as const, "neq"), value: fc.boolean() }),
  fc.record({
    type: fc.constant("array" as const),
    op: fc.constantFrom("contains" as const, "notContains"),
    value: fc.constantFrom("a", 1, true),
  }),
  fc.record({
    type: fc.constant("array" as const),
    op: fc.constantFrom("longerThan" as const, "shorterThan"),
    value: size,
  }),
);

const tags = fc.subarray(["x", "y"], { minLength: 1 });
const names = fc.oneof(
  fc.record({ anyOf: tags }),
  fc.record({ allOf: tags, noneOf: tags }),
  fc.record({ noneOf: tags }),
);
const leaf: fc.Arbitrary<Condition> = fc.oneof<fc.Arbitrary<Condition>[]>(
  fc
    .tuple(fc.constantFrom("v", "w", "v.u", "v[0]", "v[]", "**"), comparison, onMissing)
    .filter(([path, { type }]) => !(path === "**" && type === "array"))
    .map(([path, one, missing]) => ({ kind: "toolArg", path, ...one, onMissing: missing })),
  fc
    .tuple(comparison, onMissing)
    .map(([one, missing]) => ({ kind: "signal", signal: "s", ...one, onMissing: missing })),
  fc.tuple(texts, onMissing).map(([one, missing]) => ({ kind: "actor", path: "name", ...one, onMissing: missing })),
  texts.map((one) => ({ kind: "toolName", ...one })),
  names.map((one) => ({ kind: "toolTag", ...one })),
  names.map((one) => ({ kind: "label", ...one })),
  fc.record({
    kind: fc.constant("executionTime" as const),
    scope: fc.constantFrom("run" as const, "call"),
    op: fc.constantFrom("gt" as const, "gte", "lt", "lte"),
    valueMs: fc.constantFrom(0, 60_000, 60_001),
  }),
  fc.record({ kind: fc.constant("custom" as const), name: fc.constantFrom("f", "g") }),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("condition"), { minLength: 1, maxLength: 3 }).map((all): Condition => ({ kind: "and", all })),
    fc.array(tie("condition"), { minLength: 1, maxLength: 3 }).map((any): Condition => ({ kind: "or", any })),
    tie("condition").map((not): Condition => ({ kind: "not", not })),
  ),
}));
const selector: fc.Arbitrary<ToolSelector | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ name: glob }),
  fc.record({ tagsAny: tags }),
  fc.record({ name: fc.array(glob, { minLength: 1, maxLength: 2 }), tagsAll: tags }),
);
const on: fc.Arbitrary<Phase[]> = fc.constantFrom<Phase[]>(
  ["tool.before"],
  ["tool.before"],
  ["llm.before"],
  ["tool.before", "llm.before"],
);
const rule: fc.Arbitrary<Rule> = fc
  .record({
    on,
    tool: selector,
    when: condition,
    type: fc.constantFrom("block" as const, "allow"),
    onUnknown: fc.constantFrom(undefined, "match" as const, "skip" as const),
  })
  .map(({ type, ...rest }) => ({ id: "r", name: "rule", ...rest, effect: { type } }));

const anyValue: fc.Arbitrary<JsonValue | undefined> = fc.oneof<fc.Arbitrary<JsonValue | undefined>[]>(
  fc.constantFrom<string[]>(...TEXTS),
  fc.constantFrom<number[]>(...NUMBERS),
  fc.constantFrom<(JsonValue | undefined)[]>(
    undefined,
    null,
    true,
    false,
    {},
    [],
    ["a"],
    [1, true],
    [0.5, 2, 3],
    ["a", "b", "a"],
    { u: "a" },
    { u: 1 },
  ),
);
const facts: fc.Arbitrary<Facts> = fc
  .record({
    v: anyValue,
    w: anyValue,
    signal: fc.oneof(anyValue, fc.constant(UNKNOWN)),
    actor: fc.oneof(fc.constant(undefined), fc.constantFrom(...TEXTS)),
    name: fc.constantFrom("a", "b", "ab", "abc", "ba", "B"),
    tags: fc.subarray(["x", "y"]),
    labels: fc.subarray(["x", "y"]),
    customs: fc.dictionary(fc.constantFrom("f", "g"), fc.boolean()),
    argsExceeded: fc.constantFrom(undefined, undefined, true),
    startedAgoMs: fc.constantFrom(0, 60_000, 60_001, 90_000),
    isLlm: fc.boolean(),
  })
  .map((given) => {
    const change = {
      actor: given.actor === undefined ? undefined : { externalId: "u", name: given.actor },
      signals: new Map<string, JsonValue | typeof UNKNOWN>(given.signal === undefined ? [] : [["s", given.signal]]),
      customs: new Map(Object.entries(given.customs)),
    };
    const made = given.isLlm
      ? llmFactsOf(change)
      : factsOf({
          ...change,
          call: {
            tool: { name: given.name, tags: given.tags },
            args: argsOf(given.v, given.w),
            ...(given.argsExceeded === undefined ? {} : { argsExceeded: true }),
          },
        });
    for (const label of given.labels) made.run.state.flow.add(label, { callId: "c", tool: "t" });
    return { ...made, run: { ...made.run, startedAtMs: made.nowMs - given.startedAgoMs } };
  });

function argsOf(v: JsonValue | undefined, w: JsonValue | undefined): JsonValue {
  return { ...(v === undefined ? {} : { v }), ...(w === undefined ? {} : { w }) };
}

function logicOf(one: Rule): RuleLogic {
  return new RuleLogic(one, ruleContext(policyOf([one]), one));
}

/** What the engine says of each rule; `undefined` when its phase or tool is another. */
function ask(
  rules: readonly Rule[],
  one: Facts,
): readonly ({ readonly matched: boolean; readonly outcome: string } | undefined)[] {
  const policies = rules.map((each, at) => policyOf([{ ...each, id: `r${at}` }], { id: `p${at}` }));
  const { evaluatedRules } = decide(compile(policies), one);
  return rules.map((_, at) => evaluatedRules.find(({ ruleId }) => ruleId === `r${at}`));
}

describe("RuleLogic", () => {
  it("claims nothing of one rule that some call disproves", () => {
    let claims = 0;
    fc.assert(
      fc.property(rule, fc.array(facts, { minLength: 30, maxLength: 30 }), (one, calls) => {
        const { isNeverTrue, isNeverFalse } = logicOf(one);
        if (!isNeverTrue && !isNeverFalse) return;
        claims += 1;
        const outcomes = calls.map((call) => ask([one], call)[0]?.outcome);
        if (isNeverTrue) expect(outcomes).not.toContain("true");
        if (isNeverFalse) expect(outcomes).not.toContain("false");
      }),
      { numRuns: 1_500 },
    );
    expect(claims).toBeGreaterThan(50);
  });

  it("claims nothing of two rules that some call disproves", () => {
    let claims = 0;
    // Of two rules taken at random one seldom covers the other, so the wider one is made from parts of the narrow one.
    const pair = fc.tuple(rule, rule, fc.integer({ min: 0, max: 4 })).map(([a, b, how]): readonly [Rule, Rule] => {
      const both: Condition = { kind: "and", all: [a.when ?? NEVER, b.when ?? NEVER] };
      const either: Condition = { kind: "or", any: [a.when ?? NEVER, b.when ?? NEVER] };
      if (how === 0)
        return [
          { ...a, when: both },
          { ...b, tool: undefined, on: ["tool.before", "llm.before"] },
        ];
      if (how === 1) return [a, { ...b, on: a.on, tool: a.tool, when: either }];
      if (how === 2) return [a, { ...b, on: a.on, tool: a.tool }];
      return [
        { ...a, on: ["tool.before"] },
        { ...b, on: ["tool.before"] },
      ];
    });
    fc.assert(
      fc.property(pair, fc.array(facts, { minLength: 30, maxLength: 30 }), ([narrow, wide], calls) => {
        if (![narrow.on].flat().every((phase) => wide.on.includes(phase))) return;
        if (!logicOf(narrow).isCoveredBy(logicOf(wide), new WorkBudget(1_000_000))) return;
        claims += 1;
        for (const call of calls) {
          const [mine, theirs] = ask([narrow, wide], call);
          if (mine?.matched === true) expect(theirs?.matched).toBe(true);
        }
      }),
      { numRuns: 1_500 },
    );
    expect(claims).toBeGreaterThan(50);
  });
});

const NEVER: Condition = { kind: "custom", name: "f" };
