import { CONDITION_KINDS, type Condition, EFFECT_TYPES, policySchema } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policiesArbitrary } from "./policy-arbitraries.ts";

function kindsIn(condition: Condition | undefined): readonly string[] {
  if (condition === undefined) return [];
  if (condition.kind === "and") return ["and", ...condition.all.flatMap(kindsIn)];
  if (condition.kind === "or") return ["or", ...condition.any.flatMap(kindsIn)];
  return condition.kind === "not" ? ["not", ...kindsIn(condition.not)] : [condition.kind];
}

describe("policiesArbitrary", () => {
  it("makes policies of the form of the schema, with every kind of condition and effect", () => {
    const kinds = new Set<string>();
    const effects = new Set<string>();
    fc.assert(
      fc.property(policiesArbitrary, (policies) => {
        for (const policy of policies) {
          expect(policySchema.parse(policy)).toEqual(policy);
          for (const rule of policy.rules) {
            effects.add(rule.effect.type);
            for (const kind of kindsIn(rule.when)) kinds.add(kind);
          }
        }
      }),
      { numRuns: 500 },
    );
    expect([...kinds].sort()).toEqual([...CONDITION_KINDS].sort());
    expect([...effects].sort()).toEqual([...EFFECT_TYPES].sort());
  });
});
