import type { ArgFromCondition, JsonValue, Origin } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { type CompiledLeaf, COST } from "../conditions/compiled-condition.ts";
import { missingOutcome } from "../conditions/missing.ts";
import { parsePathOrFail } from "../conditions/path-leaf.ts";
import { FALSE, type Outcome, orOutcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import { readPath, walkLeaves } from "../path-read.ts";
import type { FlowState } from "./flow-state.ts";

/**
 * `argFrom`: holds when one of the values at `paths` has an origin of `origins`. A value's origin is the most trusted place in
 * which it was seen. Numbers and texts are traced; booleans and null say nothing and are passed over.
 */
export function compileArgFrom(condition: ArgFromCondition, context: CompileContext): CompiledLeaf {
  if (!context.owner.tightens) {
    context.fail(
      "HB_POLICY_ARG_FROM_RELAXES",
      "may only tighten a decision; use it in a rule whose effect is block, hitl or redact",
    );
  }
  const paths = condition.paths.map((path, at) => parsePathOrFail(path, context, `paths[${at}]`));
  const asked = new Set<Origin>(condition.origins);
  const missing = missingOutcome(condition.onMissing);
  return {
    kind: "argFrom",
    cost: COST.origin,
    eval: ({ facts }) => {
      const { call, run } = facts;
      if (call === undefined) return missing;
      let outcome: Outcome = FALSE;
      let isFound = false;
      for (const path of paths) {
        const read = readPath(call.args, path);
        if (read.exceeded || call.argsExceeded === true) outcome = orOutcome(outcome, UNKNOWN_OUTCOME);
        for (const value of read.values) {
          isFound = true;
          const traced = traceLeaves(value, run.state.flow, asked);
          if (traced === TRUE) return TRUE;
          outcome = orOutcome(outcome, traced);
        }
      }
      return isFound || outcome !== FALSE ? outcome : missing;
    },
  };
}

function traceLeaves(value: unknown, flow: FlowState, asked: ReadonlySet<Origin>): Outcome {
  let outcome: Outcome = FALSE;
  const isCut = walkLeaves(value, (leaf) => {
    if (typeof leaf === "string" || typeof leaf === "number") outcome = orOutcome(outcome, trace(leaf, flow, asked));
  });
  return isCut ? orOutcome(outcome, UNKNOWN_OUTCOME) : outcome;
}

/** Where something seen was not kept, a value that is not found may have been there: then the answer may be unknown. */
function trace(value: JsonValue, { seen }: FlowState, asked: ReadonlySet<Origin>): Outcome {
  const possible = new Set<Origin>();
  for (const origin of ["prompt", "trusted", "untrusted"] as const) {
    if (seen[origin].has(value)) {
      possible.add(origin);
      return answer(possible, asked);
    }
    if (seen[origin].isLost) possible.add(origin);
  }
  possible.add("unseen");
  return answer(possible, asked);
}

function answer(possible: ReadonlySet<Origin>, asked: ReadonlySet<Origin>): Outcome {
  const held = [...possible].filter((origin) => asked.has(origin)).length;
  if (held === 0) return FALSE;
  return held === possible.size ? TRUE : UNKNOWN_OUTCOME;
}
