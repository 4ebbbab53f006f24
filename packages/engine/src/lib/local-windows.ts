import type { BudgetKey } from "@handlebar/protocol";
import { CALLS_METRIC } from "./counter.ts";
import type { SharedNeed, SharedReading } from "./facts.ts";
import type { SharedAdd } from "./shared-adds.ts";
import { createWindowStore, type WindowKey, type WindowStore } from "./window-store.ts";

/**
 * Windows that reach beyond one run, kept in one place for all its runs: what an SDK without a control plane, a case run and
 * a replay decide by. Exact and bounded as the engine's own windows are.
 */
export class LocalWindows {
  readonly #windows: WindowStore;

  /** @param options.keyCountMax how many windows there may be; default 10,000. */
  constructor(options: { readonly keyCountMax?: number | undefined } = {}) {
    this.#windows = createWindowStore(options);
  }

  read(need: SharedNeed, nowMs: number): SharedReading | undefined {
    const key = windowOf(need);
    const value = this.#windows.read(key, nowMs, need.aggregate);
    if (value === undefined) return undefined;
    // When a count falls is known; when a sum does is not.
    const isCalls = need.metric === CALLS_METRIC;
    const resetAtMs = isCalls ? this.#windows.countBelowAtMs(key, nowMs, need.limit + 1 - need.amount) : undefined;
    return { value, ...(resetAtMs === undefined ? {} : { resetAtMs }) };
  }

  /** Takes over what a call that was let through, or that ended, changes; its reservations are held under `id`. */
  apply(add: SharedAdd, id: string, nowMs: number): void {
    this.#windows.apply(windowOf(add), id, { kind: add.kind, amount: add.amount, atMs: nowMs });
  }
}

/** One text for a shared window, equal for equal keys. */
export function budgetKeyText({ policyId, ruleId, index, scope, scopeId }: BudgetKey): string {
  return JSON.stringify([policyId, ruleId, index, scope, scopeId]);
}

function windowOf(of: { readonly key: BudgetKey; readonly windowMs: number }): WindowKey {
  return { key: budgetKeyText(of.key), windowMs: of.windowMs };
}
