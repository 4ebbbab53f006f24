import type { Rule } from "@handlebar/protocol";
import type { CompileContext } from "../../compile-context.ts";
import { phasesOf, unknownMatches } from "../../compiled-rule.ts";
import {
  ALWAYS,
  all,
  any,
  CONJUNCT_COUNT_MAX,
  type Conjunct,
  conjunctsOf,
  type Formula,
  literalCountOf,
  merged,
  negated,
} from "./formula.ts";
import { Lowering } from "./lower-condition.ts";
import { canHold } from "./satisfy.ts";
import { WorkBudget } from "./work-budget.ts";

/** What may be tried for one rule alone: some tens of milliseconds. */
const RULE_WORK_COUNT_MAX = 2_000_000;

/** What is known, without any call, of when a rule matches. */
export class RuleLogic {
  /** The condition is never true for a call that the rule selects. */
  readonly isNeverTrue: boolean;
  /** The condition is never false for a call that the rule selects. */
  readonly isNeverFalse: boolean;
  /** Some window beyond the run is read, so that it may be out of reach. */
  readonly readsShared: boolean;
  readonly #selector: Formula;
  readonly #when: Formula;
  readonly #scope: Formula;
  readonly #unknownMatches: boolean;
  #matching: readonly Conjunct[] | undefined | "later" = "later";
  #missing: readonly Conjunct[] | undefined | "later" = "later";
  readonly #budget: WorkBudget = new WorkBudget(RULE_WORK_COUNT_MAX);

  /** @param context - of the rule, which must be such as `compile` takes. */
  constructor(rule: Rule, context: CompileContext) {
    const lowering = new Lowering(context);
    this.#selector = lowering.selector(rule.tool);
    this.#when = rule.when === undefined ? ALWAYS : lowering.condition(rule.when);
    this.#scope = all([phaseFormula(rule, lowering), this.#selector]);
    this.readsShared = lowering.readsShared;
    this.#unknownMatches = unknownMatches(rule);
    this.isNeverTrue = isImpossible(all([this.#scope, this.#when]), this.#budget);
    this.isNeverFalse = isImpossible(all([this.#scope, negated(this.#when)]), this.#budget);
  }

  /** Whether it is proved that `other` matches each call that this rule matches, in the phases that they share. */
  isCoveredBy(other: RuleLogic, budget: WorkBudget): boolean {
    if (this.readsShared) return false;
    const matching = this.#matchingConjuncts();
    const missing = other.#missingConjuncts();
    if (matching === undefined || missing === undefined) return false;
    if (matching.length * missing.length > CONJUNCT_COUNT_MAX) return false;
    if (!budget.spend(1 + literalCountOf(matching) * literalCountOf(missing))) return false;
    return matching.every((mine) => missing.every((theirs) => !canHold(merged(mine, theirs), budget)));
  }

  #matchingConjuncts(): readonly Conjunct[] | undefined {
    if (this.#matching === "later") {
      const isStrict = !this.#unknownMatches;
      this.#matching = conjunctsOf(all([this.#scope, this.#when]), { isStrict, budget: this.#budget, canHold });
    }
    return this.#matching;
  }

  #missingConjuncts(): readonly Conjunct[] | undefined {
    if (this.#missing === "later") {
      // Where an unknown condition may not match, only a true one surely does.
      const isStrict = this.#unknownMatches && !this.readsShared;
      this.#missing = conjunctsOf(any([negated(this.#selector), negated(this.#when)]), {
        isStrict,
        budget: this.#budget,
        canHold,
      });
    }
    return this.#missing;
  }
}

function isImpossible(formula: Formula, budget: WorkBudget): boolean {
  const conjuncts = conjunctsOf(formula, { isStrict: true, budget, canHold });
  return conjuncts?.every((conjunct) => !canHold(conjunct, budget)) ?? false;
}

function phaseFormula(rule: Rule, lowering: Lowering): Formula {
  const phases = phasesOf(rule);
  if (phases.every((phase) => phase.startsWith("tool."))) return lowering.hasTool(true);
  return phases.every((phase) => phase.startsWith("llm.")) ? lowering.hasTool(false) : ALWAYS;
}
