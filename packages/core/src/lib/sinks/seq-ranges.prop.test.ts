import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeqRanges } from "./seq-ranges.ts";

const range = fc
  .record({ from: fc.integer({ min: 0, max: 80 }), length: fc.integer({ min: 0, max: 12 }) })
  .map(({ from, length }) => ({ from, to: from + length }));

describe("SeqRanges", () => {
  it("holds the numbers that were added, as few sorted ranges as there can be", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 40 }), (added) => {
        const ranges = new SeqRanges();
        const numbers = new Set<number>();
        for (const { from, to } of added) {
          const before = ranges.count;
          const grows = ranges.wouldGrow(from);
          ranges.add({ from, to });
          if (from === to) expect(ranges.count > before).toBe(grows);
          for (let seq = from; seq <= to; seq++) numbers.add(seq);
        }
        const expected: { from: number; to: number }[] = [];
        for (const seq of [...numbers].sort((a, b) => a - b)) {
          const last = expected.at(-1);
          if (last !== undefined && last.to === seq - 1) last.to = seq;
          else expected.push({ from: seq, to: seq });
        }
        expect(ranges.list).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
