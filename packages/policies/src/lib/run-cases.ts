import { compile, type PolicySet } from "@handlebar/engine";
import type { CaseExpectation, CaseStep, Decision, Policy } from "@handlebar/protocol";
import { unmetExpectations } from "./case-expectation.ts";
import type { CaseFailure, CaseResult, CaseRule, CasesReport } from "./case-report.ts";
import { CaseRun, type StepDecision } from "./case-run.ts";
import type { PolicyCase } from "./read-cases.ts";

/**
 * Runs cases on the engine that decides in production: each in a world of its own, whose clock, ids and host functions come
 * from the case alone, so that it always gives the same answer.
 *
 * @throws HandlebarError as `compile` does, for policies that cannot be used.
 */
export function runPolicyCases(policies: readonly Policy[], cases: readonly PolicyCase[]): CasesReport {
  const bench: Bench = { set: compile(policies), rules: new Map(), matched: new Set() };
  for (const rule of rulesOf(bench.set)) bench.rules.set(keyOf(rule), rule);
  const results = cases.map((one) => runCase(bench, one));
  const passedCount = results.filter((result) => result.passed).length;
  return {
    results,
    passedCount,
    failedCount: results.length - passedCount,
    unmatchedRules: [...bench.rules].filter(([key]) => !bench.matched.has(key)).map(([, rule]) => rule),
  };
}

/** What all cases share. */
interface Bench {
  readonly set: PolicySet;
  /** Enabled rules by `keyOf`. */
  readonly rules: Map<string, CaseRule>;
  /** Keys of the rules that matched. */
  readonly matched: Set<string>;
}

function runCase(bench: Bench, one: PolicyCase): CaseResult {
  const run = new CaseRun(bench.set, one.settings);
  const { name, place, steps, stepPlaces } = one;
  let decisionCount = 0;
  for (const [index, step] of steps.entries()) {
    const decisions = takeStep(run, step);
    decisionCount += decisions.length;
    for (const rule of decisions.flatMap(({ decision }) => decision.evaluatedRules)) {
      if (rule.matched) bench.matched.add(keyOf(rule));
    }
    const failures = failuresOf(bench, step, decisions).map((failure): CaseFailure => {
      return { ...failure, step: index + 1, place: stepPlaces[index] ?? place };
    });
    if (failures.length > 0) return { name, place, passed: false, failures, decisionCount };
  }
  return { name, place, passed: true, failures: [], decisionCount };
}

function takeStep(run: CaseRun, step: CaseStep): readonly StepDecision[] {
  if ("call" in step) return run.callTool(step);
  if ("llm" in step) return run.callModel(step);
  if ("advance" in step) run.advance(step.advance);
  else if ("prompt" in step) run.prompt(step.prompt);
  else run.startRun(step.run);
  return [];
}

type Failure = Omit<CaseFailure, "step" | "place">;

function failuresOf(bench: Bench, step: CaseStep, decisions: readonly StepDecision[]): readonly Failure[] {
  const [before, after] = decisions;
  if (before === undefined || !("call" in step || "llm" in step)) return [];
  const late = "call" in step ? step.expectResult : step.expectResponse;
  const failures = compare(bench, step.expect, before);
  if (after !== undefined) return [...failures, ...compare(bench, late, after)];
  if (late === undefined || failures.length > 0) return failures;
  const message = "the call was not let through, so there is nothing for the second expectation to be about";
  return [{ phase: before.phase, message, decision: before.decision }];
}

function compare(bench: Bench, expected: CaseExpectation | undefined, made: StepDecision): readonly Failure[] {
  const { phase, decision, payload, labels } = made;
  const seen = { decision, ruleNames: ruleNames(bench, decision), payload, labels };
  return unmetExpectations(expected, seen).map((message) => ({ phase, message, decision }));
}

/** Id and name of the rule that decided. */
function ruleNames(bench: Bench, decision: Decision): readonly string[] {
  const { cause, evaluatedRules, finalRuleId } = decision;
  if (finalRuleId === undefined) return [];
  const named = "policyId" in cause ? cause.policyId : undefined;
  const policyId = named ?? evaluatedRules.find((row) => row.ruleId === finalRuleId && row.matched)?.policyId ?? "";
  const rule = bench.rules.get(keyOf({ policyId, ruleId: finalRuleId }));
  return rule === undefined ? [finalRuleId] : [finalRuleId, rule.ruleName];
}

/** The enabled rules of enabled policies. */
function rulesOf(set: PolicySet): readonly CaseRule[] {
  return set.policies.flatMap((policy) => {
    if (policy.enabled === false) return [];
    const rules = policy.rules.filter((rule) => rule.enabled !== false);
    return rules.map((rule) => ({
      policyId: policy.id ?? "",
      policyName: policy.name,
      ruleId: rule.id ?? "",
      ruleName: rule.name,
    }));
  });
}

function keyOf({ policyId, ruleId }: Pick<CaseRule, "policyId" | "ruleId">): string {
  return JSON.stringify([policyId, ruleId]);
}
