import {
  compile,
  createRunState,
  decide,
  type Facts,
  noteCall,
  noteResult,
  redactValue,
  toPlain,
} from "@handlebar/engine";
import { prepareExpressions } from "@handlebar/engine/check";
import type { Policy } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policiesArbitrary } from "./arbitraries/policy-arbitraries.ts";

/** What a call may be given by a program that means no good. */
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), weight: 4 },
  { arbitrary: fc.constantFrom("circular", "deep", "wide", "long", "throwing", "polluting").map(make), weight: 1 },
);

function make(kind: string): unknown {
  switch (kind) {
    case "circular": {
      const one: Record<string, unknown> = { amount: 900 };
      const other = { one, tags: [one] };
      return Object.assign(one, { other, self: one });
    }
    case "deep":
      return Array.from({ length: 20_000 }).reduce<unknown>((inside) => ({ nested: inside, tags: [inside] }), "x");
    case "wide":
      return Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`k${at}`, at]));
    case "long":
      return { to: `${"a".repeat(200_000)}!`, amount: Number.MAX_VALUE, tags: ["*".repeat(5_000)] };
    case "throwing":
      return Object.defineProperty({ amount: 1 }, "to", {
        enumerable: true,
        get: () => {
          throw new Error("trap");
        },
      });
    default:
      return JSON.parse(
        '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "tags": {"__proto__": []}}',
      );
  }
}

/** Patterns that take other engines for ever. */
const STUBBORN: Policy = {
  name: "stubborn",
  rules: ["(a+)+$", "(a|aa)+$", "(.*)*b$", "(a|b|ab)*c$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
    .map((value): Policy["rules"][number] => ({
      name: `regex ${value}`,
      on: "tool.before",
      when: { kind: "toolArg", path: "**", type: "string", op: "matches", value },
      effect: { type: "block" },
    }))
    .concat({
      name: "glob",
      on: "tool.before",
      when: { kind: "toolArg", path: "**", type: "string", op: "glob", value: `${"*a".repeat(60)}*b` },
      effect: { type: "block" },
    }),
};

function factsOf(phase: Facts["phase"], payload: unknown, state = createRunState()): Facts {
  const { value, notes } = toPlain(payload);
  const isAfter = phase === "tool.after";
  return {
    phase,
    nowMs: Date.UTC(2026, 0, 5),
    agent: { slug: "support", tags: [] },
    run: { runId: "r", startedAtMs: 0, status: "open", tags: {}, context: {}, state },
    call: {
      callId: "c",
      tool: { name: "pay", tags: ["external"] },
      args: isAfter ? {} : value,
      argsExceeded: isAfter ? false : notes.exceeded,
      ...(isAfter ? { result: value, resultExceeded: notes.exceeded } : {}),
    },
    failClosed: false,
    enforceMode: "enforce",
  };
}

describe("payloads as a client reads them", () => {
  it("[SPEC 1.3] are decided, whatever they are, by rules and not by an error", () => {
    fc.assert(
      fc.property(
        policiesArbitrary,
        hostile,
        fc.constantFrom("tool.before", "tool.after"),
        (policies, payload, phase) => {
          const set = compile(prepareExpressions(policies).policies);
          const facts = factsOf(phase as Facts["phase"], payload);
          if (phase === "tool.after") noteResult(set, facts);
          const decision = decide(set, facts);
          noteCall(set, facts, decision);
          expect(["ALLOW", "BLOCK"]).toContain(decision.verdict);
          expect(decision.degraded ?? []).not.toContain("HB_FACTS_INVALID");
          if (decision.redactions !== undefined) redactValue(payload, decision.redactions);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("[SPEC 1.3] are searched in linear time, whatever the pattern and the text", () => {
    const set = compile([STUBBORN]);
    const text = fc.tuple(
      fc.constantFrom("a", "ab", "aA", "*a", "é"),
      fc.nat({ max: 60_000 }),
      fc.constantFrom("", "!", "b"),
    );
    fc.assert(
      fc.property(text, ([unit, count, end]) => {
        const decision = decide(set, factsOf("tool.before", { text: `${unit.repeat(count / unit.length)}${end}` }));
        expect(decision.evaluatedRules.length).toBe(STUBBORN.rules.length);
      }),
      { numRuns: 60 },
    );
  });
});
