import { WINDOW_AMOUNT_COUNT_MAX, WINDOW_TIMESTAMP_COUNT_MAX, WINDOW_TIMESTAMP_SLACK_COUNT } from "./limits.ts";
import { addAmount, type BucketRow, noTotals, type Totals, WindowRing } from "./window-ring.ts";

/** A log as plain JSON. */
export interface WindowLogSnapshot {
  /** Ascending. */
  readonly times: readonly number[];
  /** One for each time; absent once they are gathered in `rows`. */
  readonly amounts?: readonly number[] | undefined;
  readonly rows?: readonly BucketRow[] | undefined;
  /** The latest time that was dropped for want of room, or had left the window; absent when none was. */
  readonly droppedAtMs?: number | undefined;
}

/**
 * What happened in a rolling window. An amount leaves it when it is exactly `windowMs` old. Counts are exact while at most
 * 1,024 amounts are in the window; sums, minima and maxima while at most 64 are. Beyond that the ring's bounds hold: never
 * less than the exact ones, and at most one bucket (1/60 of the window) too strict.
 *
 * Times may come in any order. One that lies in the future counts. A time far ahead of the others makes the older ones leave.
 */
export class WindowLog {
  readonly #windowMs: number;
  #times: number[] = [];
  #amounts: number[] | undefined = [];
  #ring: WindowRing | undefined;
  #droppedAtMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(atMs: number, amount: number): void {
    const index = indexAfter(this.#times, atMs);
    if (index === this.#times.length) {
      this.#times.push(atMs);
      this.#amounts?.push(amount);
    } else {
      this.#times.splice(index, 0, atMs);
      this.#amounts?.splice(index, 0, amount);
    }
    this.#ring?.add(atMs, amount);
    if (this.#times.length <= WINDOW_AMOUNT_COUNT_MAX) return;
    if (this.#amounts !== undefined) {
      this.#drop(indexAfter(this.#times, atMs - this.#windowMs));
      if (this.#times.length > WINDOW_AMOUNT_COUNT_MAX) this.#gather(this.#amounts);
    } else if (this.#times.length > WINDOW_TIMESTAMP_COUNT_MAX + WINDOW_TIMESTAMP_SLACK_COUNT) {
      this.#drop(indexAfter(this.#times, atMs - this.#windowMs));
      this.#drop(this.#times.length - WINDOW_TIMESTAMP_COUNT_MAX);
    }
  }

  /** How many amounts are in the window at `nowMs`. */
  count(nowMs: number): number {
    const leftAtMs = nowMs - this.#windowMs;
    if (this.#droppedAtMs <= leftAtMs || this.#ring === undefined) {
      return this.#times.length - indexAfter(this.#times, leftAtMs);
    }
    return this.#ring.totals(nowMs).count;
  }

  /** All aggregates over the same amounts; here `count` is the ring's, so that the average is one of one set. */
  totals(nowMs: number): Totals {
    if (this.#amounts !== undefined) {
      const totals = noTotals();
      const first = indexAfter(this.#times, nowMs - this.#windowMs);
      for (let index = first; index < this.#times.length; index += 1) addAmount(totals, this.#amounts[index] ?? 0);
      return totals;
    }
    return this.#ring?.totals(nowMs) ?? noTotals();
  }

  /**
   * When the count will have fallen below `limit`, if nothing is added: epoch milliseconds, `nowMs` when it has already;
   * `undefined` where that is not known exactly.
   */
  countBelowAtMs(nowMs: number, limit: number): number | undefined {
    if (this.#droppedAtMs > nowMs - this.#windowMs || limit <= 0) return undefined;
    const leaving = this.#times[this.#times.length - Math.ceil(limit)];
    return leaving === undefined ? nowMs : Math.max(nowMs, leaving + this.#windowMs);
  }

  /** When everything has left, if nothing is added; -Infinity when nothing is there. */
  emptyAtMs(): number {
    const last = this.#times.at(-1) ?? Number.NEGATIVE_INFINITY;
    return Math.max(last + this.#windowMs, this.#ring?.emptyAtMs() ?? Number.NEGATIVE_INFINITY);
  }

  snapshot(): WindowLogSnapshot {
    return {
      times: [...this.#times],
      ...(this.#amounts === undefined ? {} : { amounts: [...this.#amounts] }),
      ...(this.#ring === undefined ? {} : { rows: this.#ring.toRows() }),
      ...(this.#droppedAtMs === Number.NEGATIVE_INFINITY ? {} : { droppedAtMs: this.#droppedAtMs }),
    };
  }

  static restore(windowMs: number, snapshot: WindowLogSnapshot): WindowLog {
    const log = new WindowLog(windowMs);
    log.#times = [...snapshot.times];
    log.#amounts = snapshot.amounts === undefined ? undefined : [...snapshot.amounts];
    log.#ring = snapshot.rows === undefined ? undefined : WindowRing.fromRows(windowMs, snapshot.rows);
    log.#droppedAtMs = snapshot.droppedAtMs ?? Number.NEGATIVE_INFINITY;
    return log;
  }

  #drop(count: number): void {
    if (count <= 0) return;
    this.#droppedAtMs = Math.max(this.#droppedAtMs, this.#times[count - 1] ?? this.#droppedAtMs);
    this.#times.splice(0, count);
    this.#amounts?.splice(0, count);
  }

  #gather(amounts: readonly number[]): void {
    const ring = new WindowRing(this.#windowMs);
    for (const [index, amount] of amounts.entries()) ring.add(this.#times[index] ?? 0, amount);
    this.#ring = ring;
    this.#amounts = undefined;
  }
}

/** How many of the ascending `times` are at or before `timeMs`. */
function indexAfter(times: readonly number[], timeMs: number): number {
  let low = 0;
  let high = times.length;
  if (high > 0 && (times[high - 1] ?? 0) <= timeMs) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
