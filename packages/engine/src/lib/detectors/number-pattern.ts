import type { Candidate } from "./candidate.ts";
import { standsAlone } from "./context.ts";
import type { Pattern } from "./detector.ts";

/** Spaces, zero-width ones included. */
export const SPACE = "[ \\u00a0\\u2007-\\u200f\\u202f]";
/** Hyphens, dashes and minus signs. */
export const DASH = "[-\\u2010-\\u2015\\u2212]";
/** What stands between the groups of a number. */
export const GAP = "[ .\\-\\u00a0\\u2007-\\u2015\\u202f\\u2212]";

const BEFORE = "(?<![A-Za-z0-9])";
const AFTER = "(?![A-Za-z0-9])";

/** A whole number or code: letters and digits may not go on before or after it. */
export function whole(source: string, flags = "g"): RegExp {
  return new RegExp(`${BEFORE}(?:${source})${AFTER}`, flags);
}

/** Digits in groups of these sizes with one separator between. */
export function grouped(sizes: readonly number[], separator: string): string {
  return sizes.map((size) => `\\d{${size}}`).join(separator);
}

/** A number that is known by its check or its form. */
export function knownNumber(source: string, digitsMin: number, check: (digits: string) => boolean): Pattern {
  return { over: "number", regex: whole(source), digitsMin, verify: (candidate) => check(candidate.digits) };
}

/** A number that could be any other: it counts when a word names it. */
export function namedNumber(
  source: string,
  digitsMin: number,
  { words, check }: { readonly words: RegExp; readonly check: (digits: string) => boolean },
): Pattern {
  const verify = (candidate: Candidate): boolean =>
    check(candidate.digits) && isWhole(candidate) && candidate.isNamed(words);
  return { over: "number", regex: whole(source), digitsMin, verify };
}

/** Whether no other digits continue the match. */
export function isWhole(candidate: Candidate): boolean {
  return standsAlone(candidate.text, candidate.start, candidate.end);
}
