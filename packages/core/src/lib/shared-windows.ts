import { LocalWindows, type SharedAdd, type SharedNeed, type SharedReadings } from "@handlebar/engine";
import type { Runtime } from "./runtime.ts";

/** Windows that reach beyond one run, as a run uses them. */
export interface SharedWindows extends SharedReadings {
  /**
   * Sees to it that `read` can answer for these needs, as far as that can be had in time, and keeps what is there from other calls.
   * @returns a function that ends this; to be called in the tick in which the call is decided.
   */
  prepare(needs: readonly SharedNeed[]): Promise<() => void>;
  /** Takes over what a call that was let through, or that ended, changes; its reservations are held under `id`. */
  apply(add: SharedAdd, id: string): void;
}

/** Shared windows of this process alone: every run of the client counts, no other process does. */
export function createProcessWindows(runtime: Runtime): SharedWindows {
  const windows = new LocalWindows();
  return {
    read: (need) => windows.read(need, runtime.clock.nowMs()),
    prepare: () => Promise.resolve(() => undefined),
    apply: (add, id) => windows.apply(add, id, runtime.clock.nowMs()),
  };
}
