import { WINDOW_RESERVATION_COUNT_MAX } from "./limits.ts";
import { WindowLog, type WindowLogSnapshot } from "./window-log.ts";
import { addAmount, noTotals, type Totals } from "./window-ring.ts";

export type Aggregate = "count" | "sum" | "avg" | "min" | "max";

/** A number; `null` for the average, minimum or maximum of nothing; `undefined` when it is unknown. */
export type WindowReading = number | null | undefined;

/** A window as plain JSON. */
export interface WindowSnapshot {
  readonly windowMs?: number | undefined;
  /** `[count, sum, min, max]` of a window without end. */
  readonly totals?: readonly [number, number, number, number] | undefined;
  readonly log?: WindowLogSnapshot | undefined;
  /** `[id, amount]` of each reservation. */
  readonly reserved?: readonly (readonly [string, number])[] | undefined;
  /** `null`: forever. */
  readonly unknownUntilMs?: number | null | undefined;
}

/**
 * Amounts over a rolling window of `windowMs`, or, without one, since the beginning; beside them reservations: amounts that
 * will be known only later and count in `count` and `sum` until they are settled or released.
 *
 * How exact it is: `WindowLog`. It never reads less than was added.
 */
export class RollingWindow {
  readonly windowMs: number | undefined;
  #totals: Totals = noTotals();
  #log: WindowLog | undefined;
  #reserved: Map<string, number> | undefined;
  #unknownUntilMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number | undefined) {
    this.windowMs = windowMs;
    this.#log = windowMs === undefined ? undefined : new WindowLog(windowMs);
  }

  /**
   * Adds an amount at a time in epoch milliseconds. One that is not a finite number cannot be added: readings are unknown
   * until it would have left the window, and the answer is false.
   */
  add(atMs: number, amount: number): boolean {
    if (!Number.isFinite(atMs) || !Number.isFinite(amount)) {
      this.markUnknown(Number.isFinite(atMs) ? atMs + (this.windowMs ?? Number.POSITIVE_INFINITY) : Infinity);
      return false;
    }
    if (this.#log === undefined) addAmount(this.#totals, amount);
    else this.#log.add(atMs, amount);
    return true;
  }

  read(nowMs: number, aggregate: Aggregate): WindowReading {
    if (!(nowMs >= this.#unknownUntilMs)) return undefined;
    if (aggregate === "count") return (this.#log?.count(nowMs) ?? this.#totals.count) + (this.#reserved?.size ?? 0);
    const totals = this.#log?.totals(nowMs) ?? this.#totals;
    if (aggregate === "sum") return totals.sum + this.#reservedSum();
    if (totals.count === 0) return null;
    if (aggregate === "avg") return totals.sum / totals.count;
    return aggregate === "min" ? totals.min : totals.max;
  }

  /** When the count will be below `limit`, reservations included, if nothing happens; `undefined` when that is not known. */
  countBelowAtMs(nowMs: number, limit: number): number | undefined {
    if (!(nowMs >= this.#unknownUntilMs)) return undefined;
    return this.#log?.countBelowAtMs(nowMs, limit - (this.#reserved?.size ?? 0));
  }

  /** Holds an amount (a negative one as 0). True also when `id` holds one already, which stays; false when it cannot. */
  reserve(id: string, amount: number): boolean {
    this.#reserved ??= new Map();
    if (this.#reserved.has(id)) return true;
    if (!Number.isFinite(amount) || this.#reserved.size >= WINDOW_RESERVATION_COUNT_MAX) return false;
    this.#reserved.set(id, Math.max(0, amount));
    return true;
  }

  /** Puts what it really was in place of a reservation. False, and nothing added, when `id` holds none. */
  settle(id: string, atMs: number, amount: number): boolean {
    if (!this.release(id)) return false;
    this.add(atMs, amount);
    return true;
  }

  holds(id: string): boolean {
    return this.#reserved?.has(id) ?? false;
  }

  /** Gives a reservation up. False when `id` holds none. */
  release(id: string): boolean {
    return this.#reserved?.delete(id) ?? false;
  }

  /** Makes every reading unknown until then; `Infinity` is for good. */
  markUnknown(untilMs: number): void {
    this.#unknownUntilMs = Math.max(this.#unknownUntilMs, untilMs);
  }

  /** From when on the window says nothing more than a new one would; `Infinity` while something never leaves. */
  emptyAtMs(): number {
    if ((this.#reserved?.size ?? 0) > 0) return Number.POSITIVE_INFINITY;
    const log = this.#log?.emptyAtMs() ?? (this.#totals.count > 0 ? Infinity : Number.NEGATIVE_INFINITY);
    return Math.max(log, this.#unknownUntilMs);
  }

  snapshot(): WindowSnapshot {
    const { count, sum, min, max } = this.#totals;
    const reserved = [...(this.#reserved ?? [])];
    const until = this.#unknownUntilMs;
    return {
      ...(this.windowMs === undefined ? {} : { windowMs: this.windowMs }),
      ...(count === 0 ? {} : { totals: [count, sum, min, max] as const }),
      ...(this.#log === undefined ? {} : { log: this.#log.snapshot() }),
      ...(reserved.length === 0 ? {} : { reserved }),
      ...(until === Number.NEGATIVE_INFINITY ? {} : { unknownUntilMs: until === Infinity ? null : until }),
    };
  }

  static restore(snapshot: WindowSnapshot): RollingWindow {
    const window = new RollingWindow(snapshot.windowMs);
    if (snapshot.totals !== undefined) {
      const [count, sum, min, max] = snapshot.totals;
      window.#totals = { count, sum, min, max };
    }
    if (snapshot.windowMs !== undefined && snapshot.log !== undefined) {
      window.#log = WindowLog.restore(snapshot.windowMs, snapshot.log);
    }
    if (snapshot.reserved !== undefined) window.#reserved = new Map(snapshot.reserved);
    if (snapshot.unknownUntilMs !== undefined) window.markUnknown(snapshot.unknownUntilMs ?? Infinity);
    return window;
  }

  #reservedSum(): number {
    let sum = 0;
    for (const amount of this.#reserved?.values() ?? []) sum += amount;
    return sum;
  }
}

/** A window of its own, outside any store. Without `windowMs` it counts since the beginning. */
export function createWindow(options: { readonly windowMs?: number | undefined } = {}): RollingWindow {
  return new RollingWindow(options.windowMs);
}
