import { prepareExpressions } from "@handlebar/engine/check";
import { HandlebarError, type Policy } from "@handlebar/protocol";
import { type ConformanceFailure, compareDecision } from "./compare-decision.ts";
import type { ConformanceCase, ConformanceStep } from "./conformance-case.ts";
import { type ConformanceEngine, DEFAULT_ENGINE } from "./conformance-engine.ts";
import { World } from "./conformance-world.ts";

export interface ConformanceResult {
  readonly id: string;
  readonly passed: boolean;
  readonly failures: readonly ConformanceFailure[];
}

/** Does the steps of a case, in order, and compares. Never throws for a case of the form of `conformanceCaseSchema`. */
export function runConformanceCase(
  source: ConformanceCase,
  engine: ConformanceEngine = DEFAULT_ENGINE,
): ConformanceResult {
  const failures = failuresOf(source, engine);
  return { id: source.id, passed: failures.length === 0, failures };
}

function failuresOf(source: ConformanceCase, engine: ConformanceEngine): readonly ConformanceFailure[] {
  const compiled = compile(source.policies, engine);
  if (source.refused !== undefined) return compareRefusal(source.refused, compiled);
  if (!("set" in compiled)) return [{ field: "policies", expected: "compiled", actual: compiled.error }];
  const world = new World(engine, compiled.set, source);
  return source.steps.flatMap((step, at) => doStep(world, step).map((failure) => ({ step: at, ...failure })));
}

type Compiled =
  | { readonly set: ReturnType<ConformanceEngine["compile"]> }
  | { readonly error: { readonly code: string; readonly field?: string | undefined; readonly message: string } };

function compile(policies: readonly Policy[], engine: ConformanceEngine): Compiled {
  const prepared = prepareExpressions(policies);
  const [issue] = prepared.issues;
  if (issue !== undefined) return { error: { code: "HB_POLICY_EXPR_INVALID", message: issue.message } };
  try {
    return { set: engine.compile(prepared.policies) };
  } catch (error) {
    if (HandlebarError.is(error)) return { error: { code: error.code, field: error.field, message: error.message } };
    return { error: { code: "none", message: String(error) } };
  }
}

function compareRefusal(
  expected: NonNullable<ConformanceCase["refused"]>,
  compiled: Compiled,
): readonly ConformanceFailure[] {
  if ("set" in compiled) return [{ field: "refused", expected, actual: "compiled" }];
  const { code, field } = compiled.error;
  const isSame = code === expected.code && (expected.field === undefined || field === expected.field);
  return isSame ? [] : [{ field: "refused", expected, actual: compiled.error }];
}

function doStep(world: World, step: ConformanceStep): readonly ConformanceFailure[] {
  switch (step.do) {
    case "prompt":
      world.prompt(step.text);
      return [];
    case "advance":
      world.advance(step.ms);
      return [];
    case "change":
      // The schema has checked each field; a partial one has no `undefined` of its own in JSON.
      world.change(step.given as Parameters<World["change"]>[0]);
      return [];
    case "run":
      world.startRun(step.run);
      return [];
    case "decide":
      return compareDecision(step.expect, world.decide(step));
    case "result":
      return doResult(world, step);
  }
}

function doResult(
  world: World,
  step: Extract<ConformanceStep, { readonly do: "result" }>,
): readonly ConformanceFailure[] {
  const call = world.callOf(step.callId);
  if (call === undefined) return [{ field: "callId", expected: "a call that was decided before", actual: step.callId }];
  const { result, error, durationMs, metrics } = step;
  const answered = world.decide({ phase: "tool.after", call: { ...call, result, error, durationMs }, metrics });
  return compareDecision(step.expect ?? { verdict: "ALLOW" }, answered);
}
