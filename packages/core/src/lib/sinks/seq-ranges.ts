/** An inclusive range of sequence numbers. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** A set of sequence numbers kept as sorted ranges that neither touch nor overlap. */
export class SeqRanges {
  #ranges: SeqRange[] = [];

  get count(): number {
    return this.#ranges.length;
  }

  get list(): readonly SeqRange[] {
    return this.#ranges;
  }

  add(range: SeqRange): void {
    const first = this.#firstReaching(range.from - 1);
    let last = first;
    let { from, to } = range;
    for (let next = this.#ranges[last]; next !== undefined && next.from <= to + 1; next = this.#ranges[last]) {
      from = Math.min(from, next.from);
      to = Math.max(to, next.to);
      last++;
    }
    this.#ranges.splice(first, last - first, { from, to });
  }

  /** Whether adding `seq` would make one range more. */
  wouldGrow(seq: number): boolean {
    const next = this.#ranges[this.#firstReaching(seq - 1)];
    return next === undefined || next.from > seq + 1;
  }

  /** Index of the first range that ends at `seq` or later. */
  #firstReaching(seq: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.to ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
