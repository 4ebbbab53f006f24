import type { CallPattern, SequenceCondition } from "@handlebar/protocol";
import type { CallQuestion } from "../call-history.ts";
import type { CompileContext } from "../compile-context.ts";
import type { Frame } from "../frame.ts";
import { andOutcome, FALSE, notOutcome, type Outcome, TRUE } from "../outcome.ts";
import { compileToolMatcher } from "../tool-matcher.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { textOf } from "./text-test.ts";

/** Each of `called` was let through earlier in the run, and none of `notCalled` was; this call itself does not count. */
export function compileSequence(condition: SequenceCondition, context: CompileContext): CompiledLeaf {
  const called = (condition.called ?? []).map((pattern, at) => compilePattern(pattern, context, `called[${at}]`));
  const notCalled = (condition.notCalled ?? []).map((pattern, at) =>
    compilePattern(pattern, context, `notCalled[${at}]`),
  );
  return {
    kind: "sequence",
    cost: COST.window,
    eval: (frame): Outcome => {
      let outcome: Outcome = TRUE;
      for (const question of called) {
        outcome = andOutcome(outcome, wasCalled(question, frame));
        if (outcome === FALSE) return FALSE;
      }
      for (const question of notCalled) {
        outcome = andOutcome(outcome, notOutcome(wasCalled(question, frame)));
        if (outcome === FALSE) return FALSE;
      }
      return outcome;
    },
  };
}

function wasCalled(question: CallQuestion, frame: Frame): Outcome {
  const { facts } = frame;
  return facts.run.state.history.wasCalled(question, { nowMs: facts.nowMs, exceptCallId: facts.call?.callId });
}

function compilePattern(pattern: CallPattern, context: CompileContext, field: string): CallQuestion {
  const { outcome, withinSeconds } = pattern;
  try {
    const { matches } = compileToolMatcher({ name: pattern.name, tagsAny: pattern.tagsAny, tagsAll: pattern.tagsAll });
    return { matches, outcome, withinMs: withinSeconds === undefined ? undefined : withinSeconds * 1000 };
  } catch (error) {
    return context.fail("HB_POLICY_LIMIT", textOf(error), `${field}.name`);
  }
}
