import type { CompiledCondition } from "./conditions/compiled-condition.ts";
import type { Frame } from "./frame.ts";
import { TRUE } from "./outcome.ts";

/** A budget that is spent. */
export interface SpentBudget {
  /** Epoch milliseconds at which it has room again, where that is known. */
  readonly resetAtMs: number | undefined;
}

/**
 * The spent budget that a condition held because of, if it was one: the condition would not hold if the budget had room.
 * Through `and`, one member suffices, and room in the first to have some; through `or`, every member that holds must be
 * a budget, and all must have room. Budgets below `not` are no reason.
 */
export function findSpentBudget(condition: CompiledCondition | undefined, frame: Frame): SpentBudget | undefined {
  if (condition?.hasBudget !== true || condition.eval(frame) !== TRUE) return undefined;
  if (condition.resetAtMs !== undefined) return { resetAtMs: condition.resetAtMs(frame) };
  if (condition.kind === "and") return firstWithRoom(condition.children, frame);
  return condition.kind === "or" ? allWithRoom(condition.children, frame) : undefined;
}

function firstWithRoom(children: readonly CompiledCondition[], frame: Frame): SpentBudget | undefined {
  let first: SpentBudget | undefined;
  for (const child of children) {
    const spent = findSpentBudget(child, frame);
    if (spent === undefined) continue;
    const isEarlier = (spent.resetAtMs ?? Infinity) < (first?.resetAtMs ?? Infinity);
    if (first === undefined || isEarlier) first = spent;
  }
  return first;
}

function allWithRoom(children: readonly CompiledCondition[], frame: Frame): SpentBudget | undefined {
  let last: SpentBudget | undefined;
  for (const child of children) {
    if (child.eval(frame) !== TRUE) continue;
    const spent = findSpentBudget(child, frame);
    if (spent === undefined) return undefined;
    const isLater = last === undefined || (spent.resetAtMs ?? Infinity) > (last.resetAtMs ?? Infinity);
    if (isLater) last = spent;
  }
  return last;
}
