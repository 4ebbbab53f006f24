import { compile, type PolicySet } from "@handlebar/engine";
import type { CallStep, CaseExpectation, CaseStep, Decision, JsonValue, LlmStep, Policy } from "@handlebar/protocol";
import { type Observation, unmetExpectations } from "./case-expectation.ts";
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
  const set = compile(policies);
  const matched = new Set<string>();
  const results = cases.map((one) => runCase(set, one, matched));
  const passedCount = results.filter((result) => result.passed).length;
  return {
    results,
    passedCount,
    failedCount: results.length - passedCount,
    unmatchedRules: rulesOf(set).filter((rule) => !matched.has(keyOf(rule))),
  };
}

function runCase(set: PolicySet, one: PolicyCase, matched: Set<string>): CaseResult {
  const run = new CaseRun(set, one.settings);
  const { name, place, steps, stepPlaces } = one;
  let decisionCount = 0;
  for (const [index, step] of steps.entries()) {
    const decisions = takeStep(run, step);
    decisionCount += decisions.length;
    for (const rule of decisions.flatMap(({ decision }) => decision.evaluatedRules)) {
      if (rule.matched) matched.add(keyOf(rule));
    }
    const failures = failuresOf(set, step, decisions).map((failure): CaseFailure => {
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

function failuresOf(set: PolicySet, step: CaseStep, decisions: readonly StepDecision[]): readonly Failure[] {
  const [before, after] = decisions;
  if (before === undefined || !("call" in step || "llm" in step)) return [];
  const late = lateExpectation(step);
  const failures = compare(set, step.expect, before);
  if (after !== undefined) return [...failures, ...compare(set, late, after)];
  if (late === undefined || failures.length > 0) return failures;
  const message = "the call was not let through, so there is nothing for the second expectation to be about";
  return [{ phase: before.phase, message, decision: before.decision }];
}

function lateExpectation(step: CallStep | LlmStep): CaseExpectation | undefined {
  return "call" in step ? step.expectResult : step.expectResponse;
}

function compare(set: PolicySet, expected: CaseExpectation | undefined, made: StepDecision): readonly Failure[] {
  const { phase, decision } = made;
  return unmetExpectations(expected, observe(set, made)).map((message) => ({ phase, message, decision }));
}
