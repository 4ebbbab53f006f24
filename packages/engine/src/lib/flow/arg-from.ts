import type { ArgFromCondition, Origin } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { COST, type CompiledLeaf } from "../conditions/compiled-condition.ts";
import { missingOutcome } from "../conditions/missing.ts";
import { parsePathOrFail } from "../conditions/path-leaf.ts";
import type { CallFacts } from "../facts.ts";
import { SEEN_SEARCH_WORK_MAX } from "../limits.ts";
import { FALSE, type Outcome, orOutcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import type { Path } from "../path.ts";
import { readPath, walkLeaves } from "../path-read.ts";
import type { FlowState, Place } from "./flow-state.ts";
import { namedValues, type Sought, soughtOf, TOO_LONG } from "./sought.ts";
import type { SearchBudget } from "./text-search.ts";

/**
 * `argFrom`: holds when one of the values at `paths` has an origin of `origins`. A value's origin is the most trusted
 * place in which it was seen. Texts and numbers are traced; booleans, null and empty texts say nothing and are passed over.
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
  const ifMissing = missingOutcome(condition.onMissing);
  return {
    kind: "argFrom",
    cost: COST.origin,
    eval: ({ facts }) => {
      const { call, run } = facts;
      if (call === undefined) return ifMissing;
      const trace = new Trace(run.state.flow, asked);
      for (const path of paths) {
        trace.follow(call, path);
        if (trace.outcome === TRUE) break;
      }
      return trace.isAbsent ? ifMissing : trace.outcome;
    },
  };
}

/** Follows the values of one call to where they were seen. */
class Trace {
  readonly #flow: FlowState;
  readonly #asked: ReadonlySet<Origin>;
  readonly #budget: SearchBudget = { left: SEEN_SEARCH_WORK_MAX };
  outcome: Outcome = FALSE;
  /** No path led to a value, and nothing hindered looking. */
  isAbsent: boolean = true;

  constructor(flow: FlowState, asked: ReadonlySet<Origin>) {
    this.#flow = flow;
    this.#asked = asked;
  }

  follow(call: CallFacts, path: Path): void {
    const { values, exceeded } = readPath(call.args, path);
    if (exceeded || call.argsExceeded === true) this.#add(UNKNOWN_OUTCOME);
    for (const value of values) {
      this.isAbsent = false;
      if (this.outcome === TRUE) return;
      const isCut = walkLeaves(value, (leaf) => {
        if (this.outcome !== TRUE) this.#addLeaf(leaf);
      });
      if (isCut) this.#add(UNKNOWN_OUTCOME);
    }
  }

  #add(outcome: Outcome): void {
    if (outcome !== FALSE) this.isAbsent = false;
    this.outcome = orOutcome(this.outcome, outcome);
  }

  #addLeaf(leaf: unknown): void {
    if (typeof leaf !== "string" && typeof leaf !== "number") return;
    if (this.#budget.left < 0) {
      this.#add(UNKNOWN_OUTCOME);
      return;
    }
    const named = typeof leaf === "string" ? namedValues(leaf) : [leaf];
    for (const value of named) {
      const sought = soughtOf(value);
      if (sought !== undefined) this.#add(this.#answer(this.#possibleOrigins(sought)));
    }
  }

  /** More than one where the value was not found in a place that has forgotten something. */
  #possibleOrigins(sought: Sought | typeof TOO_LONG): readonly Origin[] {
    if (sought === TOO_LONG) return ["prompt", "trusted", "untrusted", "unseen"];
    const possible: Origin[] = [];
    for (const place of ["prompt", "trusted"] as const) {
      const found = this.#isIn(place, sought);
      if (found !== false) possible.push(place);
      if (found === true) return possible;
    }
    // Most rules ask for both or neither of the rest: then it need not be told apart.
    const isOneAnswer = this.#asked.has("untrusted") === this.#asked.has("unseen");
    const isUntrusted = isOneAnswer ? undefined : this.#isIn("untrusted", sought);
    if (isUntrusted !== false) possible.push("untrusted");
    if (isUntrusted !== true) possible.push("unseen");
    return possible;
  }

  /** `undefined` when the value may have been there. */
  #isIn(place: Place, sought: Sought): boolean | undefined {
    const index = this.#flow.seen[place];
    const found = index.has(sought, this.#budget);
    return found === false && index.isLost ? undefined : found;
  }

  #answer(possible: readonly Origin[]): Outcome {
    const count = possible.filter((origin) => this.#asked.has(origin)).length;
    if (count === 0) return FALSE;
    return count === possible.length ? TRUE : UNKNOWN_OUTCOME;
  }
}
