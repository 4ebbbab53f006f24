import { prepareExpressions } from "@handlebar/engine/check";
import { HandlebarError, type Policy } from "@handlebar/protocol";
import { isEqual } from "../contract-case.ts";
import type { ConformanceCase, ConformanceExpectation, ConformanceStep } from "./conformance-case.ts";
import { type ConformanceEngine, DEFAULT_ENGINE } from "./conformance-engine.ts";
import { type Answered, World } from "./conformance-world.ts";

/** One thing that was other than the case says. */
export interface ConformanceFailure {
  /** Place of the step, from 0; absent for the policies themselves. */
  readonly step?: number | undefined;
  /** The field of the expectation, such as `cause`. */
  readonly field: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

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

function compareDecision(
  expected: ConformanceExpectation,
  { decision, payload, labels }: Answered,
): readonly ConformanceFailure[] {
  const failures: ConformanceFailure[] = [];
  const compare = (field: keyof ConformanceExpectation, actual: unknown, isSame?: boolean): void => {
    if (expected[field] === undefined) return;
    if (isSame ?? isEqual(actual, expected[field])) return;
    failures.push({ field, expected: expected[field], actual });
  };
  compare("verdict", decision.verdict);
  compare("control", decision.control);
  compare("cause", decision.cause, holds(expected.cause, decision.cause));
  compare("finalRuleId", decision.finalRuleId ?? null);
  compare(
    "ruleIds",
    decision.evaluatedRules.map((row) => row.ruleId),
  );
  compare("redactions", decision.redactions ?? null);
  compare("redacted", payload);
  compare("degraded", decision.degraded ?? null);
  compare("labels", labels);
  compare("message", decision.message, decision.message.includes(expected.message ?? ""));
  compare(
    "messageOmits",
    decision.message,
    !(expected.messageOmits ?? []).some((text) => decision.message.includes(text)),
  );
  const { shadow } = decision;
  compare("shadow", shadow ?? null, expected.shadow === null ? shadow === undefined : holds(expected.shadow, shadow));
  for (const [ruleId, row] of Object.entries(expected.rules ?? {})) {
    const actual = decision.evaluatedRules.find((one) => one.ruleId === ruleId);
    const isSame = typeof row === "string" ? actual?.outcome === row : holds(row, actual);
    if (!isSame) failures.push({ field: `rules.${ruleId}`, expected: row, actual: actual ?? null });
  }
  return failures;
}

/** Whether every field that is given is equal. */
function holds(expected: object | null | undefined, actual: object | undefined): boolean {
  if (expected === undefined || expected === null) return true;
  if (actual === undefined) return false;
  const fields: Readonly<Record<string, unknown>> = { ...actual };
  return Object.entries(expected).every(([name, value]) => isEqual(value, fields[name]));
}
