import {
  createWindowStore,
  type SharedAdd,
  type SharedNeed,
  type SharedReading,
  type SharedReadings,
  type WindowStore,
} from "@handlebar/engine";

/**
 * Windows beyond a run, kept in this process: what a control plane keeps for many. Exact as the engine's own windows are,
 * and bounded as they are.
 */
export class SharedWindows implements SharedReadings {
  readonly #windows: WindowStore = createWindowStore();
  #nowMs = 0;

  /** Moves the clock on, epoch milliseconds. */
  setNow(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  read(need: SharedNeed): SharedReading | undefined {
    const key = windowKey(need);
    const value = this.#windows.read(key, this.#nowMs, need.aggregate);
    if (value === undefined) return undefined;
    const resetAtMs = this.#windows.countBelowAtMs(key, this.#nowMs, need.limit);
    return { value, ...(resetAtMs === undefined ? {} : { resetAtMs }) };
  }

  /** Takes in what a call changes; `callId` names its reservations. */
  apply(adds: readonly SharedAdd[], callId: string): void {
    for (const add of adds) this.#applyOne(add, callId);
  }

  #applyOne(add: SharedAdd, callId: string): void {
    const key = windowKey(add);
    const entry = { atMs: this.#nowMs, amount: add.amount };
    const isHeld =
      (add.kind === "reserve" && this.#windows.reserve(key, callId, entry)) ||
      (add.kind === "settle" && this.#windows.settle(key, callId, entry));
    if (add.kind === "release") this.#windows.release(key, callId);
    else if (!isHeld) this.#windows.add(key, this.#nowMs, add.amount);
  }
}

function windowKey({ key, windowMs }: Pick<SharedNeed, "key" | "windowMs">): { key: string; windowMs: number } {
  return { key: JSON.stringify([key.policyId, key.ruleId, key.index, key.scope, key.scopeId]), windowMs };
}
