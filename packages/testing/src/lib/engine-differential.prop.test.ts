import {
  compile,
  createRunState,
  decide,
  type Facts,
  needs,
  noteCall,
  notePrompt,
  noteResult,
  type PolicySet,
  UNKNOWN,
} from "@handlebar/engine";
import { prepareExpressions } from "@handlebar/engine/check";
import type { Decision, Policy } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXPRESSIONS } from "./arbitraries/expressions.ts";
import { policiesArbitrary } from "./arbitraries/policy-arbitraries.ts";
import { type Scenario, type ScenarioHost, scenarioArbitrary } from "./arbitraries/scenario-arbitraries.ts";
import { walkScenario } from "./arbitraries/walk-scenario.ts";
import { ReferenceEvaluator } from "./reference/reference-evaluator.ts";
import { createRandom } from "./seeded-random.ts";

const SCENARIO_COUNT = 5_000;
const STEP_COUNT = 16;

function compiled(policies: readonly Policy[]): PolicySet {
  const prepared = prepareExpressions(policies);
  expect(prepared.issues).toEqual([]);
  return compile(prepared.policies);
}

/** With what the host's own conditions answer, under the keys that the engine asks for. */
function withHost(set: PolicySet, facts: Facts, host: ScenarioHost): Facts {
  const customs = needs(set, facts).customs.map(({ key, name }) => [key, host.customs[name] ?? UNKNOWN] as const);
  return { ...facts, customs: new Map(customs) };
}

/** Notes and decides as a client does. */
function play(
  set: PolicySet,
  given: Facts,
  host: ScenarioHost,
): { readonly facts: Facts; readonly decision: Decision } {
  const facts = withHost(set, given, host);
  if (facts.phase.endsWith(".after")) noteResult(set, facts);
  const decision = decide(set, facts);
  noteCall(set, facts, decision);
  return { facts, decision };
}

function withoutMessage({ message: _, ...decision }: Decision): Omit<Decision, "message"> {
  return decision;
}

describe("engine and reference", () => {
  it("decide alike", () => {
    let pairCount = 0;
    const verdicts = new Map<string, number>();
    fc.assert(
      fc.property(scenarioArbitrary({ stepCount: STEP_COUNT }), (scenario) => {
        const set = compiled(scenario.policies);
        const state = createRunState();
        let hostNow: ScenarioHost | undefined;
        const reference = new ReferenceEvaluator(scenario.policies, {
          custom: (name) => hostNow?.customs[name],
          expression: (src, facts) => EXPRESSIONS.get(src)?.(facts),
          findings: (text) => text.split("@example.com").length - 1,
        });
        walkScenario(scenario, state, {
          prompt(text) {
            notePrompt(set, state, text);
            reference.notePrompt(text);
          },
          ask(given, host) {
            hostNow = host;
            const { facts, decision } = play(set, given, host);
            if (facts.phase.endsWith(".after")) reference.noteResult(facts);
            const { callId } = facts.call ?? facts.llm ?? { callId: "" };
            expect({ phase: facts.phase, callId, ...withoutMessage(decision) }).toEqual({
              phase: facts.phase,
              callId,
              ...reference.decide(facts),
            });
            reference.noteCall(facts, decision);
            pairCount++;
            verdicts.set(decision.cause.kind, (verdicts.get(decision.cause.kind) ?? 0) + 1);
            return decision.verdict === "ALLOW";
          },
        });
      }),
      { numRuns: SCENARIO_COUNT },
    );
    expect(pairCount).toBeGreaterThanOrEqual(100_000);
    const kinds = [
      "ALLOW",
      "BUDGET_EXHAUSTED",
      "HITL_APPROVED",
      "HITL_DENIED",
      "HITL_PENDING",
      "LOCKDOWN",
      "RULE_VIOLATION",
      "RUN_ENDED",
      "UNAVAILABLE",
    ];
    expect([...verdicts.keys()].sort()).toEqual(kinds);
  });
});

/** Every decision of a scenario. */
function decisionsOf(scenario: Scenario, policies: readonly Policy[]): readonly Decision[] {
  const set = compiled(policies);
  const state = createRunState();
  const decisions: Decision[] = [];
  walkScenario(scenario, state, {
    prompt: (text) => notePrompt(set, state, text),
    ask(given, host) {
      const { decision } = play(set, given, host);
      decisions.push(decision);
      return decision.verdict === "ALLOW";
    },
  });
  return decisions;
}

describe("the engine", () => {
  it("decides the same whatever the order of policies and rules", () => {
    fc.assert(
      fc.property(scenarioArbitrary({ stepCount: 6 }), fc.string(), (scenario, seed) => {
        const random = createRandom(seed);
        const shuffled = random
          .shuffle(scenario.policies)
          .map((policy) => ({ ...policy, rules: random.shuffle(policy.rules) }));
        expect(decisionsOf(scenario, shuffled)).toEqual(decisionsOf(scenario, scenario.policies));
      }),
      { numRuns: 1_000 },
    );
  });

  it("never lets through what was blocked because a block was added", () => {
    const blocks = policiesArbitrary.map((policies) =>
      policies.map((policy, at) => ({
        ...policy,
        id: `added${at}`,
        mode: "enforce" as const,
        default: "allow" as const,
        flow: undefined,
        rules: policy.rules.map((rule) => ({ ...rule, effect: { type: "block" as const } })),
      })),
    );
    fc.assert(
      fc.property(scenarioArbitrary({ stepCount: 6 }), blocks, (scenario, added) => {
        const set = compiled(scenario.policies);
        const more = compiled([...scenario.policies, ...added]);
        const state = createRunState();
        walkScenario(scenario, state, {
          prompt: (text) => notePrompt(set, state, text),
          ask(given, host) {
            const { facts, decision } = play(set, given, host);
            const { verdict } = decide(more, withHost(more, facts, host));
            if (decision.verdict === "BLOCK") expect(verdict).toBe("BLOCK");
            return decision.verdict === "ALLOW";
          },
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it("answers whatever it is given", () => {
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error("trap");
        },
        ownKeys: () => {
          throw new Error("trap");
        },
      },
    );
    const circular: Record<string, unknown> = {};
    circular["self"] = [circular];
    const deep = Array.from({ length: 5_000 }).reduce<unknown>((inside) => ({ inside, tags: [inside] }), "bottom");
    const hostile = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
      fc.constantFrom<unknown>(throwing, circular, deep, "x".repeat(300_000), Number.NaN, () => 1, Symbol("s")),
      fc.constant(JSON.parse('{"__proto__": {"amount": 900}, "constructor": {"prototype": 1}}')),
    );
    const fields = [
      "args",
      "result",
      "error",
      "actor",
      "context",
      "metrics",
      "signals",
      "tags",
      "nowMs",
      "tool",
    ] as const;
    fc.assert(
      fc.property(
        scenarioArbitrary({ stepCount: 4 }),
        fc.constantFrom(...fields),
        hostile,
        (scenario, field, value) => {
          const set = compiled(scenario.policies);
          const state = createRunState();
          walkScenario(scenario, state, {
            prompt: (text) => notePrompt(set, state, text),
            ask(given, host) {
              const facts = spoil(withHost(set, given, host), field, value);
              const decision = decide(set, facts);
              expect(["ALLOW", "BLOCK"]).toContain(decision.verdict);
              return decision.verdict === "ALLOW";
            },
          });
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

/** Puts something where it does not belong. */
function spoil(facts: Facts, field: string, value: unknown): Facts {
  const { call, run } = facts;
  const spoilt: unknown =
    field === "context" || field === "tags"
      ? { ...facts, run: { ...run, [field]: value } }
      : call !== undefined && ["args", "result", "error", "tool"].includes(field)
        ? { ...facts, call: { ...call, [field]: value } }
        : { ...facts, [field]: value };
  // That is the point: it does not have the form of facts any more.
  return spoilt as Facts;
}
