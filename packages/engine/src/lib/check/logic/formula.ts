import type { OnMissing } from "@handlebar/protocol";
import type { ValueTest } from "../../conditions/comparison-test.ts";
import type { WorkBudget } from "./work-budget.ts";

/** What is asked of one value, as the engine asks it. */
export interface ValueQuestion {
  /** Of the value's type; `any` asks only whether there is one. */
  readonly type: "number" | "string" | "boolean" | "array" | "any";
  readonly op: string;
  readonly operand: unknown;
  readonly ignoreCase: boolean;
  readonly onMissing: OnMissing | undefined;
  /** Absent for `any`. */
  readonly test: ValueTest | undefined;
}

/**
 * One thing that may hold or not.
 * - `flag`: holds or does not, and is never unknown.
 * - `opaque`: may also be unknown; nothing more is known of it.
 * - `value`: a question about the value that `variable` names.
 */
export type Atom =
  | { readonly kind: "flag" | "opaque"; readonly variable: string; readonly key: string }
  | {
      readonly kind: "value";
      readonly variable: string;
      readonly key: string;
      readonly question: ValueQuestion;
      /** The value is a text or absent, and never unknown. */
      readonly isExact: boolean;
    };

/** An atom that is asked to hold, or not to hold. */
export interface Literal {
  readonly atom: Atom;
  readonly isPositive: boolean;
  /** False lets it be unknown as well. */
  readonly isStrict: boolean;
}

/** Literals that are asked for together. */
export type Conjunct = readonly Literal[];

/** A condition in which only atoms are negated. An `and` of nothing always holds, an `or` of nothing never. */
export type Formula =
  | { readonly kind: "literal"; readonly atom: Atom; readonly isPositive: boolean }
  | { readonly kind: "and" | "or"; readonly parts: readonly Formula[] };

/** Conjuncts of one formula; past this nothing is claimed about it. */
export const CONJUNCT_COUNT_MAX = 512;
/** Conjuncts that are made on the way, before those that cannot hold are dropped. */
const PRODUCT_COUNT_MAX = 4_096;

export const ALWAYS: Formula = { kind: "and", parts: [] };

export function all(parts: readonly Formula[]): Formula {
  return { kind: "and", parts };
}

export function any(parts: readonly Formula[]): Formula {
  return { kind: "or", parts };
}

/** The formula that holds where this one does not; Kleene's logic keeps De Morgan's laws. */
export function negated(formula: Formula): Formula {
  if (formula.kind === "literal") return { ...formula, isPositive: !formula.isPositive };
  return { kind: formula.kind === "and" ? "or" : "and", parts: formula.parts.map(negated) };
}

/** How conjuncts are made. */
export interface ConjunctSettings {
  /** The formula must be true; else it may be unknown. */
  readonly isStrict: boolean;
  readonly budget: WorkBudget;
  /** Conjuncts that it refuses are left out. */
  readonly canHold: (conjunct: Conjunct, budget: WorkBudget) => boolean;
}

/**
 * The formula as conjuncts of which one must hold; `undefined` when there are too many. In Kleene's logic a formula is true
 * (not false) exactly when all literals of some conjunct are.
 */
export function conjunctsOf(formula: Formula, settings: ConjunctSettings): readonly Conjunct[] | undefined {
  const { isStrict, budget, canHold } = settings;
  if (formula.kind === "literal") return [[{ atom: formula.atom, isPositive: formula.isPositive, isStrict }]];
  if (formula.kind === "or") {
    const joined: Conjunct[] = [];
    for (const part of formula.parts) {
      const conjuncts = conjunctsOf(part, settings);
      if (conjuncts === undefined || joined.length + conjuncts.length > CONJUNCT_COUNT_MAX) return undefined;
      joined.push(...conjuncts);
    }
    return joined;
  }
  let product: readonly Conjunct[] = [[]];
  for (const part of formula.parts) {
    const conjuncts = conjunctsOf(part, settings);
    if (conjuncts === undefined || product.length * conjuncts.length > PRODUCT_COUNT_MAX) return undefined;
    if (!budget.spend(literalCountOf(product) * literalCountOf(conjuncts))) return undefined;
    const pairs = product.flatMap((left) => conjuncts.map((right) => merged(left, right)));
    product = pairs.filter((conjunct) => canHold(conjunct, budget));
    if (product.length > CONJUNCT_COUNT_MAX) return undefined;
  }
  return product;
}

/** Literals of all conjuncts; what merging two lists of them costs is their product. */
export function literalCountOf(conjuncts: readonly Conjunct[]): number {
  return conjuncts.reduce((count, { length }) => count + length, 0);
}

/** Both together, each literal once, the stricter one of two. */
export function merged(left: Conjunct, right: Conjunct): Conjunct {
  const literals = [...left];
  for (const literal of right) {
    const at = literals.findIndex(
      ({ atom, isPositive }) => isPositive === literal.isPositive && atom.key === literal.atom.key,
    );
    if (at === -1) literals.push(literal);
    else if (literal.isStrict) literals[at] = literal;
  }
  return literals;
}
