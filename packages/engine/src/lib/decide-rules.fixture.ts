import type { Condition, Decision, Effect, Rule } from "@handlebar/protocol";
import { decideBy, factsOf, policyOf, ruleOf } from "./facts.fixture.ts";
import type { Facts } from "./facts.ts";

export const BLOCK: Effect = { type: "block", reason: "stop" };
export const HITL: Effect = { type: "hitl", reason: "ask" };
export const ALLOW: Effect = { type: "allow" };
export const REDACT: Effect = { type: "redact", redact: [{ detectors: ["email"] }] };
export const NEVER: Condition = { kind: "toolName", op: "eq", value: "never" };
export const UNAVAILABLE: Condition = { kind: "maxCalls", scope: "agent", max: 1, windowSeconds: 60 };

export const rule = (id: string, effect: Effect, change: Partial<Rule> = {}): Rule => ruleOf({ id, effect, ...change });

export const decideRules = (rules: readonly Rule[], facts: Facts = factsOf()): Decision =>
  decideBy([policyOf(rules)], facts);

export const summary = ({ verdict, control, cause, finalRuleId }: Decision): unknown[] => [
  verdict,
  control,
  cause.kind,
  finalRuleId,
];
