import { DIGIT, kindAt, LETTER } from "./characters.ts";

/** Characters of a value that are looked at: more would not change the answer. */
const SAMPLE_LENGTH_MAX = 512;
const BITS_PER_CHARACTER_MIN = 3;
/**
 * The part of a value between separators that has to look random, with letters and digits; shorter ones are words and
 * dates, letters alone may be names in a program.
 */
const PART_LENGTH_MIN = 12;
const SEPARATORS = /[-_.:/~]/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Shannon entropy of a text's characters, in bits per character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (let i = 0; i < text.length; i++) counts.set(text.charAt(i), (counts.get(text.charAt(i)) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

function isRandomPart(part: string): boolean {
  let seen = 0;
  for (let i = 0; i < part.length; i++) seen |= kindAt(part, i);
  return part.length >= PART_LENGTH_MIN && (seen & LETTER) !== 0 && (seen & DIGIT) !== 0;
}

/** Whether a value looks like it came out of a random generator, not out of a dictionary. */
export function looksRandom(value: string): boolean {
  const sample = value.slice(0, SAMPLE_LENGTH_MAX);
  if (entropyOf(sample) < BITS_PER_CHARACTER_MIN) return false;
  return UUID.test(sample) || sample.split(SEPARATORS).some(isRandomPart);
}
