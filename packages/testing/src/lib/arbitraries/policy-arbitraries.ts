import type { Effect, Flow, Policy, Rule } from "@handlebar/protocol";
import fc from "fast-check";
import { comparisonArbitrary, conditionArbitrary, toolSelectorArbitrary } from "./condition-arbitraries.ts";
import { AGENT_TAGS, defined, LABELS, optional, SLUGS, some } from "./vocabulary.ts";

const control = optional(fc.constantFrom("CONTINUE", "TERMINATE"));
const phases = ["tool.before", "tool.after", "llm.before", "llm.after"] as const;
const on = fc.oneof(
  { arbitrary: fc.constant("tool.before"), weight: 4 },
  { arbitrary: fc.constantFrom(...phases), weight: 2 },
  { arbitrary: some(phases, 4), weight: 1 },
);
const redaction = fc.constantFrom(
  { detectors: ["email"] },
  { paths: ["to", "items[].price"], method: "remove" },
  { detectors: ["email"], paths: ["to"] },
);

const EFFECTS = {
  allow: fc.constant({ type: "allow" }),
  redact: fc.record({ type: fc.constant("redact"), redact: fc.array(redaction, { minLength: 1, maxLength: 2 }) }),
  hitl: defined(fc.record({ type: fc.constant("hitl"), control })),
  block: defined(fc.record({ type: fc.constant("block"), control })),
} as const;

/** Effects of every type. */
export const effectArbitrary: fc.Arbitrary<Effect> = fc.oneof(...Object.values(EFFECTS)) as fc.Arbitrary<Effect>;

/** Rules of every phase, effect and condition, without ids. */
export const ruleArbitrary: fc.Arbitrary<Rule> = effectArbitrary.chain((effect) =>
  defined(
    fc.record({
      name: fc.constant("rule"),
      enabled: optional(fc.boolean(), 4),
      priority: optional(fc.constantFrom(-1, 1, 7)),
      on,
      tool: optional(toolSelectorArbitrary, 1),
      when: fc.oneof(
        { arbitrary: fc.constant(undefined), weight: 1 },
        { arbitrary: conditionArbitrary({ tightens: effect.type !== "allow" }), weight: 5 },
      ),
      effect: fc.constant(effect),
      onUnknown: optional(fc.constantFrom("match", "skip")),
      onUnavailable: optional(fc.constantFrom("match", "skip")),
    }),
  ),
) as fc.Arbitrary<Rule>;

/** Of a source: about the call and its result alone. */
const sourceCondition = fc
  .tuple(fc.constantFrom("amount", "ok"), fc.constantFrom("args", "result"), comparisonArbitrary)
  .map(([path, where, comparison]) => ({ kind: "toolArg" as const, path, in: where, ...comparison }));

const source = fc.oneof(
  defined(
    fc.record({
      tool: optional(toolSelectorArbitrary, 1),
      fields: optional(fc.constantFrom(["ok"], ["items[].price"], ["note", "ref"])),
      when: optional(sourceCondition),
      add: some(LABELS),
    }),
  ),
  defined(
    fc.record({
      tool: optional(toolSelectorArbitrary, 1),
      when: optional(sourceCondition),
      add: optional(some(LABELS)),
      trust: fc.constantFrom("trusted", "untrusted"),
    }),
  ),
);

/** Flows without free text. */
export const flowArbitrary: fc.Arbitrary<Flow> = defined(
  fc.record({
    labels: optional(fc.constant([...LABELS])),
    sources: fc.array(source, { maxLength: 3 }),
    strict: optional(fc.boolean()),
    defaultTrust: optional(fc.constantFrom("trusted", "untrusted")),
  }),
) as fc.Arbitrary<Flow>;

const selector = defined(
  fc.record({
    anyOfSlugs: optional(some(SLUGS)),
    anyOfTags: optional(some(AGENT_TAGS), 6),
    allOfTags: optional(some(AGENT_TAGS), 6),
  }),
);

const bare = defined(
  fc.record({
    name: fc.constant("policy"),
    enabled: optional(fc.boolean(), 6),
    mode: optional(fc.constantFrom("enforce", "shadow")),
    agents: optional(selector, 4),
    default: optional(fc.constantFrom("allow", "hitl", "block"), 4),
    flow: optional(flowArbitrary),
    rules: fc.array(ruleArbitrary, { maxLength: 4 }),
  }),
);

/** Several policies; ids are `p0`, `p1` ... and `p0/r0`, `p0/r1` ..., in an order that says nothing. */
export const policiesArbitrary: fc.Arbitrary<Policy[]> = fc
  .array(bare, { minLength: 1, maxLength: 4 })
  .map((policies) => policies.map((policy, at) => withIds(policy as Policy, `p${at}`)));

/** One policy with ids. */
export const policyArbitrary: fc.Arbitrary<Policy> = bare.map((policy) => withIds(policy as Policy, "p0"));

function withIds(policy: Policy, id: string): Policy {
  const rules = policy.rules.map((rule, at) => ({ ...rule, id: `${id}/r${at}` }));
  return { ...policy, id, rules };
}
