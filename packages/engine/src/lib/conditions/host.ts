import type { CustomCondition, JsonValue, SignalCondition, Subject, SubjectCondition } from "@handlebar/protocol";
import { canonicalJson } from "../canonical-json.ts";
import type { CompileContext } from "../compile-context.ts";
import { UNKNOWN } from "../facts.ts";
import { type Outcome, outcomeOf, UNKNOWN_OUTCOME } from "../outcome.ts";
import { compileValueTest, isPresence } from "./comparison-test.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { missingOutcome } from "./missing.ts";
import { compileTextQuestion } from "./text-leaf.ts";

/** One subject that fits suffices. An extractor that failed makes it unknown. */
export function compileSubject(condition: SubjectCondition, context: CompileContext): CompiledLeaf {
  context.needs.subjects = true;
  const { subjectType, role, idSystem } = condition;
  const { askAny, cost } = compileTextQuestion(condition, context);
  const fits = (subject: Subject): boolean =>
    subject.subjectType === subjectType &&
    (role === undefined || subject.role === role) &&
    (idSystem === undefined || subject.idSystem === idSystem);
  return {
    kind: "subject",
    cost,
    eval: (frame) => {
      const subjects = frame.facts.subjects;
      if (subjects === UNKNOWN) return UNKNOWN_OUTCOME;
      return askAny((subjects ?? []).filter(fits).map((subject) => subject.value));
    },
  };
}

/** Compares what the user's function answered; one that failed makes it unknown, one that gave nothing is absent. */
export function compileSignal(condition: SignalCondition, context: CompileContext): CompiledLeaf {
  const { signal } = condition;
  context.needs.signals.push(signal);
  const { ask, usesRegex } = compileSignalQuestion(condition, context);
  return {
    kind: "signal",
    cost: usesRegex ? COST.regex : COST.value,
    eval: (frame) => ask(frame.facts.signals?.get(signal)),
  };
}

function compileSignalQuestion(
  condition: SignalCondition,
  context: CompileContext,
): { readonly ask: (value: unknown) => Outcome; readonly usesRegex: boolean } {
  const isThere = (value: unknown): boolean => value !== undefined && value !== null;
  if (isPresence(condition)) {
    const isExists = condition.op === "exists";
    const ask = (value: unknown): Outcome =>
      value === UNKNOWN ? UNKNOWN_OUTCOME : outcomeOf(isThere(value) === isExists);
    return { ask, usesRegex: false };
  }
  const { test, usesRegex } = compileValueTest(condition, context);
  const ifMissing = missingOutcome(condition.onMissing);
  const ask = (value: unknown): Outcome => {
    if (value === UNKNOWN) return UNKNOWN_OUTCOME;
    return isThere(value) ? test(value) : ifMissing;
  };
  return { ask, usesRegex };
}

/** Asks the host's function; no answer, as when it is not registered, is unknown. */
export function compileCustom(condition: CustomCondition, context: CompileContext): CompiledLeaf {
  const { name, args } = condition;
  const key = customKey(name, args);
  context.needs.customs.push({ key, name, args });
  return {
    kind: "custom",
    cost: COST.value,
    eval: (frame) => {
      const answer = frame.facts.customs?.get(key);
      return typeof answer === "boolean" ? outcomeOf(answer) : UNKNOWN_OUTCOME;
    },
  };
}

/** What the host's answer is looked up by: equal names and arguments are asked once. */
export function customKey(name: string, args: JsonValue | undefined): string {
  if (args === undefined) return name;
  return `${name}\n${canonicalJson(args) ?? JSON.stringify(args)}`;
}
