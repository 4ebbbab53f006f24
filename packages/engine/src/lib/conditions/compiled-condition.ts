import type { Condition, ConditionKind } from "@handlebar/protocol";
import type { Frame } from "../frame.ts";
import type { Outcome } from "../outcome.ts";

/** Asks one condition about one call. Pure: the same frame gives the same outcome, however often it is asked. */
export type Leaf = (frame: Frame) => Outcome;

/** What makes a condition of one kind: checks what the schema cannot, and throws a coded error through `context.fail`. */
export interface CompiledLeaf {
  readonly kind: ConditionKind;
  /** A class of `COST`. */
  readonly cost: number;
  readonly eval: Leaf;
  /** For a budget that is spent: when it has room again, `undefined` when that is not known. */
  readonly resetAtMs?: ((frame: Frame) => number | undefined) | undefined;
}

/** A compiled condition; always with every field, so that the engine's loops see one shape. */
export interface CompiledCondition {
  readonly kind: ConditionKind;
  readonly cost: number;
  readonly eval: Leaf;
  /** Of `and`, `or` and `not`, in the author's order. */
  readonly children: readonly CompiledCondition[];
  readonly source: Condition;
  /** It, or one inside it, has `resetAtMs`. */
  readonly hasBudget: boolean;
  readonly resetAtMs: ((frame: Frame) => number | undefined) | undefined;
}

/** What asking costs, in classes: cheaper leaves of `and` and `or` are asked first. */
export const COST = {
  /** Names, tags, labels. */
  name: 1,
  /** One value at a path. */
  value: 2,
  time: 3,
  window: 4,
  /** Many values at a path. */
  values: 5,
  regex: 6,
  /** Where values came from. */
  origin: 7,
  expr: 8,
  /** Detectors over a payload. */
  scan: 9,
} as const;
