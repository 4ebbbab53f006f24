import type { DetectorId } from "@handlebar/protocol";
import type { Candidate } from "./candidate.ts";
import type { Scan } from "./scan.ts";

/** Takes one finding: offsets into the scan's text. */
export type Found = (start: number, end: number) => void;

/**
 * A bounded regular expression over the regions of one kind that the census marked: `number` (digits joined by
 * separators) or `code` (around tokens that mix letters and digits).
 *
 * Every quantifier in it has an upper bound and it looks at most `REGION_MARGIN` code units around a match, so that
 * a search is linear in the text.
 */
export interface Pattern {
  readonly over: "number" | "code";
  /** Global; matched against slices of the text. */
  readonly regex: RegExp;
  /** Regions of kind `number` with fewer digits are passed over. */
  readonly digitsMin: number;
  /** Confirms a match: check digits, dates, words beside it. Absent takes every match. */
  readonly verify?: (candidate: Candidate) => boolean;
}

/** A search written by hand, for what a bounded expression cannot say well. Linear in the text. */
export interface Search {
  /** The regular expressions it uses, held to the same rule as a pattern's. */
  readonly regexes: readonly RegExp[];
  readonly find: (scan: Scan, found: Found) => void;
}

/** Finds one kind of sensitive data. */
export interface Detector {
  readonly id: DetectorId;
  readonly patterns?: readonly Pattern[];
  readonly searches?: readonly Search[];
}
