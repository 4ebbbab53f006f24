import type { Condition, Decision, Policy, Rule } from "@handlebar/protocol";
import { compile } from "./compile.ts";
import { createRunState } from "./create-run-state.ts";
import { decide } from "./decide.ts";
import type { CallFacts, Facts, RunFacts } from "./facts.ts";

/** Wednesday, 15 January 2025, 12:00 UTC. */
export const NOON_MS: number = Date.UTC(2025, 0, 15, 12);

export interface FactsChange extends Partial<Omit<Facts, "run" | "call">> {
  readonly run?: Partial<RunFacts>;
  readonly call?: Partial<CallFacts>;
}

/** A call of `send_email` by an agent `support`, with what a test changes. */
export function factsOf(change: FactsChange = {}): Facts {
  const { run, call, ...rest } = change;
  const base: Facts = {
    phase: "tool.before",
    nowMs: NOON_MS,
    agent: { slug: "support", tags: ["eu"] },
    actor: { externalId: "u_42", metadata: { tier: "free" } },
    run: {
      runId: "r_1",
      startedAtMs: NOON_MS - 60_000,
      status: "open",
      tags: { env: "prod" },
      context: {},
      state: createRunState(),
      ...run,
    },
    failClosed: false,
    enforceMode: "enforce",
    ...rest,
  };
  const tool = { name: "send_email", tags: ["external", "email"] };
  return base.phase.startsWith("llm.") ? base : { ...base, call: { callId: "c_1", tool, args: {}, ...call } };
}

/** A model request or response. */
export function llmFactsOf(change: FactsChange = {}): Facts {
  return factsOf({ phase: "llm.before", llm: { callId: "l_1" }, ...change });
}

/** A blocking rule on `tool.before`, with what a test changes. */
export function ruleOf(change: Partial<Rule> = {}): Rule {
  return { name: "rule", id: "r", on: "tool.before", effect: { type: "block", reason: "no" }, ...change };
}

export function policyOf(rules: readonly Rule[], change: Partial<Policy> = {}): Policy {
  return { id: "p", name: "policy", rules: [...rules], ...change };
}

export function decideBy(policies: readonly Policy[], facts: Facts): Decision {
  return decide(compile(policies), facts);
}

/** What a condition comes to for some facts. */
export function outcomeFor(when: Condition, facts: Facts, rule: Partial<Rule> = {}): string | undefined {
  const decision = decideBy([policyOf([ruleOf({ on: facts.phase, when, ...rule })])], facts);
  return decision.evaluatedRules[0]?.outcome;
}
