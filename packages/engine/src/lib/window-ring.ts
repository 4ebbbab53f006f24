import { WINDOW_BUCKET_COUNT } from "./limits.ts";

/** `[number, count, sum, negativeSum, min, max]` of one bucket. */
export type BucketRow = readonly [number, number, number, number, number, number];

/** What some amounts come to; `min` and `max` mean nothing while `count` is 0. */
export interface Totals {
  count: number;
  sum: number;
  min: number;
  max: number;
}

export function noTotals(): Totals {
  return { count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
}

export function addAmount(totals: Totals, amount: number): void {
  totals.count += 1;
  totals.sum += amount;
  totals.min = Math.min(totals.min, amount);
  totals.max = Math.max(totals.max, amount);
}

/** A window touches one bucket more than it spans: the oldest and the newest are there in part. */
const SLOT_COUNT = WINDOW_BUCKET_COUNT + 1;
const FIELD_COUNT = 6;
const [NUMBER, COUNT, SUM, NEGATIVE, MIN, MAX] = [0, 1, 2, 3, 4, 5] as const;

/**
 * Amounts of a rolling window, gathered into 60 buckets of one width. The oldest bucket counts whole until all of it has
 * left the window, so that `count` and `sum` are never less than the exact ones and exceed them by at most what one bucket
 * holds; a negative amount in the oldest bucket is left out of the sum for the same reason.
 */
export class WindowRing {
  readonly #windowMs: number;
  readonly #widthMs: number;
  readonly #cells: Float64Array = new Float64Array(SLOT_COUNT * FIELD_COUNT);

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.#widthMs = Math.max(1, Math.ceil(windowMs / WINDOW_BUCKET_COUNT));
  }

  add(atMs: number, amount: number): void {
    this.#merge([Math.floor(atMs / this.#widthMs), 1, amount, Math.min(0, amount), amount, amount]);
  }

  /** Everything in the window at `nowMs`, and whatever has a later time. */
  totals(nowMs: number): Totals {
    const totals = noTotals();
    const oldest = this.#oldestNumber(nowMs);
    for (let at = 0; at < this.#cells.length; at += FIELD_COUNT) {
      const count = this.#cell(at, COUNT);
      const bucketNumber = this.#cell(at, NUMBER);
      if (count === 0 || bucketNumber < oldest) continue;
      totals.count += count;
      totals.sum += this.#cell(at, SUM) - (bucketNumber === oldest ? this.#cell(at, NEGATIVE) : 0);
      totals.min = Math.min(totals.min, this.#cell(at, MIN));
      totals.max = Math.max(totals.max, this.#cell(at, MAX));
    }
    return totals;
  }

  /** The time at which the last amount has left, if nothing is added; -Infinity when there is none. */
  emptyAtMs(): number {
    let last = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < this.#cells.length; at += FIELD_COUNT) {
      if (this.#cell(at, COUNT) > 0) last = Math.max(last, this.#cell(at, NUMBER));
    }
    return (last + 1) * this.#widthMs + this.#windowMs;
  }

  toRows(): readonly BucketRow[] {
    const rows: BucketRow[] = [];
    for (let at = 0; at < this.#cells.length; at += FIELD_COUNT) {
      if (this.#cell(at, COUNT) === 0) continue;
      const [bucketNumber, count, sum] = [this.#cell(at, NUMBER), this.#cell(at, COUNT), this.#cell(at, SUM)];
      rows.push([bucketNumber, count, sum, this.#cell(at, NEGATIVE), this.#cell(at, MIN), this.#cell(at, MAX)]);
    }
    return rows;
  }

  static fromRows(windowMs: number, rows: readonly BucketRow[]): WindowRing {
    const ring = new WindowRing(windowMs);
    for (const row of rows) ring.#merge(row);
    return ring;
  }

  #oldestNumber(nowMs: number): number {
    return Math.floor((nowMs - this.#windowMs) / this.#widthMs);
  }

  #cell(at: number, field: number): number {
    return this.#cells[at + field] ?? 0;
  }

  /** A slot that a later bucket holds takes an earlier one's amounts in: they then count longer, never shorter. */
  #merge(row: BucketRow): void {
    const [bucketNumber, count, sum, negative, min, max] = row;
    const at = (((bucketNumber % SLOT_COUNT) + SLOT_COUNT) % SLOT_COUNT) * FIELD_COUNT;
    const isFresh = this.#cell(at, COUNT) === 0 || this.#cell(at, NUMBER) < bucketNumber;
    if (isFresh) {
      this.#cells.set(row, at);
      return;
    }
    this.#cells[at + COUNT] = this.#cell(at, COUNT) + count;
    this.#cells[at + SUM] = this.#cell(at, SUM) + sum;
    this.#cells[at + NEGATIVE] = this.#cell(at, NEGATIVE) + negative;
    this.#cells[at + MIN] = Math.min(this.#cell(at, MIN), min);
    this.#cells[at + MAX] = Math.max(this.#cell(at, MAX), max);
  }
}
