import type { Finding } from "./finding.ts";

/** A finding and its detector's place in the catalogue. */
export interface RankedFinding extends Finding {
  /** Lower is more specific. */
  readonly rank: number;
}

/** Whether `a` names what both cover: the longer one, of equals the more specific. */
function wins(a: RankedFinding, b: RankedFinding): boolean {
  const difference = a.end - a.start - (b.end - b.start);
  return difference > 0 || (difference === 0 && a.rank < b.rank);
}

const byStart = (a: RankedFinding, b: RankedFinding): number => a.start - b.start || b.end - a.end || a.rank - b.rank;

/**
 * Joins findings that share characters into one, named by the longest of them (of equals, the most specific), so that
 * every character that any detector found is in exactly one finding.
 */
export function joinOverlaps(findings: readonly RankedFinding[]): readonly Finding[] {
  const joined: Finding[] = [];
  const sorted = [...findings].sort(byStart);
  for (let i = 0; i < sorted.length; ) {
    let winner = sorted[i];
    if (winner === undefined) break;
    const { start } = winner;
    let end = winner.end;
    for (i++; i < sorted.length; i++) {
      const next = sorted[i];
      if (next === undefined || next.start >= end) break;
      end = Math.max(end, next.end);
      if (wins(next, winner)) winner = next;
    }
    joined.push({ id: winner.id, start, end });
  }
  return joined;
}
