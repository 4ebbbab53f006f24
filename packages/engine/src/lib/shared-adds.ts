import type { BudgetKey } from "@handlebar/protocol";
import { assumedAmount, budgetKeyOf, CALLS_METRIC, type Counter, finishedAmount, isBeforePhase } from "./counter.ts";
import type { Facts } from "./facts.ts";
import type { PolicySet } from "./policy-set.ts";
import type { Aggregate } from "./window.ts";
import type { WindowChange } from "./window-store.ts";

/** One change of a window beyond the run. Reservations are held under `reservationIdOf` the call. */
export interface SharedAdd {
  /**
   * - `add`: a final amount;
   * - `reserve`: what the call is assumed to add, until it ends;
   * - `settle`: what it really added in place of its reservation, or, if it holds none, beside it;
   * - `release`: it added nothing, its reservation is given up.
   */
  readonly kind: WindowChange["kind"];
  readonly key: BudgetKey;
  /** `calls` for `maxCalls`, else the metric's name. */
  readonly metric: string;
  readonly aggregate: Aggregate;
  readonly windowMs: number;
  /** The threshold that the rule compares with; for `maxCalls` its `max`. */
  readonly limit: number;
  /** As in `SharedNeed`. */
  readonly ceiling?: number | undefined;
  readonly exact: boolean;
  /** Calls, or units of the metric; 0 for `release`. */
  readonly amount: number;
}

/**
 * What a call that was let through (before phases) or that ended (after phases) changes in windows beyond the run, for
 * whoever keeps these windows. Windows of scope `run` are kept by `noteCall` and `noteResult`.
 */
export function sharedAdds(set: PolicySet, facts: Facts): readonly SharedAdd[] {
  const { counters } = set.indexFor(facts.agent).candidates(facts);
  const adds: SharedAdd[] = [];
  for (const counter of counters) {
    if (counter.scope === "run") continue;
    const change = isBeforePhase(facts) ? callChange(counter, facts) : resultChange(counter, facts);
    const key = change === undefined ? undefined : budgetKeyOf(counter, facts);
    if (change === undefined || key === undefined || counter.windowMs === undefined) continue;
    const { metric, aggregate, windowMs, limit, ceiling, exact } = counter;
    const ceilings = ceiling === undefined ? {} : { ceiling };
    adds.push({
      kind: change.kind,
      key,
      metric,
      aggregate,
      windowMs,
      limit,
      ...ceilings,
      exact,
      amount: change.amount,
    });
  }
  return adds;
}

/** What a call that was let through changes. */
export function callChange(counter: Counter, facts: Facts): WindowChange | undefined {
  if (counter.metric === CALLS_METRIC) return { kind: "add", amount: 1 };
  if (!holdsReservations(counter)) return undefined;
  const amount = assumedAmount(counter, facts);
  return amount === undefined ? undefined : { kind: "reserve", amount };
}

/** What a call that ended changes. */
export function resultChange(counter: Counter, facts: Facts): WindowChange | undefined {
  if (counter.metric === CALLS_METRIC) return undefined;
  const amount = finishedAmount(counter, facts);
  if (!holdsReservations(counter)) return amount === undefined ? undefined : { kind: "add", amount };
  return amount === undefined ? { kind: "release", amount: 0 } : { kind: "settle", amount };
}

/** Only sums and counts add up what is still in flight. */
function holdsReservations(counter: Counter): boolean {
  return counter.aggregate === "sum" || counter.aggregate === "count";
}
