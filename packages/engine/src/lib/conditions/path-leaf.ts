import type { Comparison, ConditionKind, OnMissing } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { UNKNOWN } from "../facts.ts";
import type { Frame } from "../frame.ts";
import {
  andOutcome,
  FALSE,
  notOutcome,
  type Outcome,
  orOutcome,
  outcomeOf,
  TRUE,
  UNKNOWN_OUTCOME,
} from "../outcome.ts";
import { type Path, parsePath } from "../path.ts";
import { type PathReading, readPath } from "../path-read.ts";
import { compileValueTest, isPresence, type ValueTest } from "./comparison-test.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { missingOutcome } from "./missing.ts";
import { isSinglePath, readSingle } from "./single-path.ts";

/** Where the paths of a condition start. */
export interface PathRoot {
  /** Distinct for each root: what readings are kept under. */
  readonly name: string;
  readonly value: (frame: Frame) => unknown;
  /** Something of the value is missing or cut. */
  readonly exceeded: (frame: Frame) => boolean;
}

/** A condition that compares what stands at a path. */
export type PathComparison = {
  readonly kind: ConditionKind;
  readonly path: string;
  readonly quantifier?: "any" | "all" | undefined;
  readonly onMissing?: OnMissing | undefined;
} & Comparison;

/**
 * Compares the values at a path. `null` is an absent value. Where a path names many places, each is compared alone and the
 * answers are joined after Kleene (`any`: or, `all`: and); a place without a value is absent. `**` compares the leaves of
 * the type that is compared and passes over others.
 */
export function compilePathLeaf(condition: PathComparison, root: PathRoot, context: CompileContext): CompiledLeaf {
  const path = parsePathOrFail(condition.path, context);
  const asked = compileQuestion(condition, path, context);
  if (isSinglePath(path)) {
    return { kind: condition.kind, cost: asked.usesRegex ? COST.regex : COST.value, eval: single(path, root, asked) };
  }
  const slot = context.slot(`${root.name}\n${condition.path}`);
  const reading = (frame: Frame): PathReading =>
    // The slot's key names this root and path, so that what is kept there is their reading.
    (frame.recall(slot) as PathReading | undefined) ?? frame.keep(slot, readPath(root.value(frame), path));
  const isAll = condition.quantifier === "all";
  return {
    kind: condition.kind,
    cost: asked.usesRegex ? COST.regex : COST.values,
    eval: (frame) => many(reading(frame), root.exceeded(frame), { ...asked, isAll }),
  };
}

export function parsePathOrFail(text: string, context: CompileContext, field: string = "path"): Path {
  const path = parsePath(text);
  if (typeof path === "string") {
    return context.fail(
      "HB_POLICY_PATH_INVALID",
      `\`${text}\`: ${path}; write \`a.b\`, \`items[].price\` or \`**\``,
      field,
    );
  }
  return path;
}

/** What is asked of each value, and of each place without one. */
interface Question {
  readonly test: (value: unknown) => Outcome;
  readonly holdsWhenCut: ValueTest["holdsWhenCut"];
  readonly ifMissing: Outcome;
  /** Values of other types are passed over. */
  readonly only: ValueTest["leafType"];
  readonly usesRegex: boolean;
}

function compileQuestion(condition: PathComparison, path: Path, context: CompileContext): Question {
  if (isPresence(condition)) {
    const isExists = condition.op === "exists";
    return {
      test: () => outcomeOf(isExists),
      holdsWhenCut: "both",
      ifMissing: outcomeOf(!isExists),
      only: undefined,
      usesRegex: false,
    };
  }
  const { test, holdsWhenCut, leafType, usesRegex } = compileValueTest(condition, context);
  const isEveryLeaf = path.at(-1)?.kind === "leaves";
  if (isEveryLeaf && leafType === undefined) {
    context.fail("HB_POLICY_PATH_INVALID", "`**` names no lists; name the list, or compare its elements", "path");
  }
  const only = isEveryLeaf ? leafType : undefined;
  return { test, holdsWhenCut, ifMissing: missingOutcome(condition.onMissing), only, usesRegex };
}

function single(path: Path, root: PathRoot, asked: Question): (frame: Frame) => Outcome {
  const { test, holdsWhenCut, ifMissing } = asked;
  return (frame) => {
    const value = readSingle(root.value(frame), path);
    if (value === UNKNOWN) return UNKNOWN_OUTCOME;
    if (value === undefined) return root.exceeded(frame) ? UNKNOWN_OUTCOME : ifMissing;
    const outcome = test(value);
    return root.exceeded(frame) ? whenCut(outcome, holdsWhenCut) : outcome;
  };
}

/** What an outcome is worth when the value that gave it may have been longer. */
function whenCut(outcome: Outcome, holds: ValueTest["holdsWhenCut"]): Outcome {
  if (holds === "both" || (holds === "true" && outcome === TRUE) || (holds === "false" && outcome === FALSE)) {
    return outcome;
  }
  return UNKNOWN_OUTCOME;
}

function many(reading: PathReading, isCut: boolean, asked: Question & { readonly isAll: boolean }): Outcome {
  const { test, holdsWhenCut, ifMissing, only, isAll } = asked;
  const decisive = isAll ? FALSE : TRUE;
  let joined: Outcome = notOutcome(decisive);
  let isEmpty = true;
  let isMissing = reading.missing;
  const take = isAll ? andOutcome : orOutcome;
  for (const value of reading.values) {
    if (only !== undefined && typeof value !== only) continue;
    if (value === null) {
      isMissing = true;
      continue;
    }
    isEmpty = false;
    const outcome = test(value);
    joined = take(joined, isCut ? whenCut(outcome, holdsWhenCut) : outcome);
    if (joined === decisive) return joined;
  }
  // Of what was not read to its end, nothing is known to be missing.
  if (reading.exceeded || isCut) return take(joined, UNKNOWN_OUTCOME);
  if (reading.mistyped) joined = take(joined, UNKNOWN_OUTCOME);
  else if (isEmpty) return ifMissing;
  return isMissing ? take(joined, ifMissing) : joined;
}
