import {
  createWindowStore,
  type SharedAdd,
  type SharedNeed,
  type SharedReading,
  type SharedReadings,
  type WindowKey,
} from "@handlebar/engine";
import type { BudgetKey } from "@handlebar/protocol";
import type { Runtime } from "./runtime.ts";

/** Windows that reach beyond one run, as a run uses them. */
export interface SharedWindows extends SharedReadings {
  /** Sees to it that `read` can answer for these needs, as far as that can be had in time. */
  prepare(needs: readonly SharedNeed[]): Promise<void>;
  /** Takes over what a call that was let through, or that ended, changes. */
  apply(add: SharedAdd, callId: string): void;
}

/** Shared windows of this process alone: every run of the client counts, no other process does. */
export function createProcessWindows(runtime: Runtime): SharedWindows {
  const store = createWindowStore();
  return {
    read(need): SharedReading | undefined {
      const nowMs = runtime.clock.nowMs();
      const value = store.read(windowOf(need), nowMs, need.aggregate);
      if (value === undefined) return undefined;
      const resetAtMs = store.countBelowAtMs(windowOf(need), nowMs, need.limit);
      // An average of nothing is no number: no comparison holds for it.
      return { value: value ?? Number.NaN, ...(resetAtMs === undefined ? {} : { resetAtMs }) };
    },
    prepare: () => Promise.resolve(),
    apply(add, callId) {
      const key = windowOf(add);
      const entry = { atMs: runtime.clock.nowMs(), amount: add.amount };
      if (add.kind === "release") store.release(key, callId);
      else if (add.kind === "reserve" && store.reserve(key, callId, entry)) return;
      else if (add.kind === "settle" && store.settle(key, callId, entry)) return;
      // What cannot be held is added: a window may count too much, never too little.
      else store.add(key, entry.atMs, entry.amount);
    },
  };
}

/** One text for a shared window, equal for equal keys. */
export function budgetKeyText({ policyId, ruleId, index, scope, scopeId }: BudgetKey): string {
  return JSON.stringify([policyId, ruleId, index, scope, scopeId]);
}

function windowOf(of: { readonly key: BudgetKey; readonly windowMs: number }): WindowKey {
  return { key: budgetKeyText(of.key), windowMs: of.windowMs };
}
