import type { DetectorId } from "@handlebar/protocol";

/** A place in a text where a detector found something; `text.slice(start, end)` is what it found. */
export interface Finding {
  readonly id: DetectorId;
  /** Offset of the first UTF-16 code unit. */
  readonly start: number;
  /** Offset after the last. */
  readonly end: number;
}

/** What a text holds. */
export interface Detection {
  /** In order of `start`; no two overlap. */
  readonly findings: readonly Finding[];
  /** The text was longer than `TEXT_LENGTH_MAX`: only its beginning was read, so an empty list does not mean clean. */
  readonly exceeded: boolean;
}
