import { COLON, DIGIT, EQUALS, kindAt, kindOf, LETTER, RUN, SEPARATOR, UPPER } from "./characters.ts";

/** How far a pattern may look around what it matches, and a region reaches around what made it one. */
export const REGION_MARGIN = 4;

/** A run of key characters shorter than this is no key or token. */
const RUN_LENGTH_MIN = 16;

/** The longest number written with letters, an IBAN, has 34 characters; a longer token can hold none. */
const CODE_LENGTH_MAX = 34;
/** The shortest code that one token can be; a shorter one counts when it can start an IBAN in groups. */
const CODE_LENGTH_MIN = 9;
const NUMBER_DIGITS_MIN = 4;
/** Separators between two digits of one number, as in `) - `. */
const NUMBER_GAP_MAX = 3;
/** A number of as many digits may be part of a code with letters further away: `QQ 12 34 56 C`. */
const CODE_DIGITS = 6;
const CODE_REACH_BEFORE = 24;
const CODE_REACH_AFTER = 24;

/**
 * What one pass over a text shows. Detectors look only where it says that something could be, which is what makes a
 * clean text cheap. All lists are flat, in order of their first offset.
 */
export interface Census {
  /** Every kind of character seen, as bits. */
  readonly marks: number;
  /** Triples `start, end, digit count`: digits joined by separators. */
  readonly numbers: readonly number[];
  /** Pairs `start, end`: surroundings of tokens that mix letters and digits, and of numbers. */
  readonly codes: readonly number[];
  /** Pairs `start, end`: long runs of the characters of keys and tokens. */
  readonly runs: readonly number[];
  /** Offsets of `:` and `=`. */
  readonly assignments: readonly number[];
}

/** Adds a code region, joined with the one before where they touch. */
function addCode(codes: number[], start: number, end: number): void {
  const last = codes.length - 1;
  const lastEnd = codes[last];
  const lastStart = codes[last - 1];
  if (lastEnd === undefined || lastStart === undefined || start > lastEnd) {
    codes.push(start, end);
    return;
  }
  codes[last] = Math.max(lastEnd, end);
  codes[last - 1] = Math.min(lastStart, start);
}

/** Collects the lists of a census while the pass goes over the text. */
class Regions {
  readonly numbers: number[] = [];
  readonly codes: number[] = [];
  readonly runs: number[] = [];
  readonly assignments: number[] = [];
  readonly #text: string;
  #numberStart = 0;
  #numberEnd = 0;
  #digits = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** A digit; `joined` when only separators stand between it and the digit before. */
  digit(at: number, joined: boolean): void {
    if (!joined || at - this.#numberEnd > NUMBER_GAP_MAX) {
      this.closeNumber();
      this.#numberStart = at;
    }
    this.#numberEnd = at + 1;
    this.#digits++;
    if (this.#digits % CODE_DIGITS === 0) this.#code(at - CODE_REACH_BEFORE, at + CODE_REACH_AFTER);
  }

  closeNumber(): void {
    if (this.#digits >= NUMBER_DIGITS_MIN) this.numbers.push(this.#numberStart, this.#numberEnd, this.#digits);
    this.#digits = 0;
  }

  token(start: number, end: number, kinds: number): void {
    const length = end - start;
    if (length > CODE_LENGTH_MAX || (kinds & DIGIT) === 0 || (kinds & LETTER) === 0) return;
    if (length < CODE_LENGTH_MIN && !this.#isHead(start)) return;
    this.#code(start - CODE_REACH_BEFORE, end + CODE_REACH_AFTER);
  }

  run(start: number, end: number, kinds: number): void {
    if (end - start >= RUN_LENGTH_MIN && (kinds & (DIGIT | UPPER)) !== 0) this.runs.push(start, end);
  }

  /** Two letters and two digits. */
  #isHead(start: number): boolean {
    return (
      this.#is(start, LETTER) && this.#is(start + 1, LETTER) && this.#is(start + 2, DIGIT) && this.#is(start + 3, DIGIT)
    );
  }

  #is(offset: number, kind: number): boolean {
    return (kindAt(this.#text, offset) & kind) !== 0;
  }

  #code(start: number, end: number): void {
    addCode(this.codes, Math.max(0, start), Math.min(this.#text.length, end));
  }
}

/** Reads a text once and notes where detectors have to look. */
export function takeCensus(text: string): Census {
  const regions = new Regions(text);
  let marks = 0;
  let runStart = 0;
  let runKinds = 0;
  let tokenStart = 0;
  let tokenKinds = 0;
  let joined = false;
  for (let i = 0; i < text.length; i++) {
    const kind = kindOf(text.charCodeAt(i));
    marks |= kind;
    if ((kind & LETTER) !== 0) {
      runKinds |= kind;
      tokenKinds |= kind;
      joined = false;
      continue;
    }
    if ((kind & DIGIT) !== 0) {
      runKinds |= kind;
      tokenKinds |= kind;
      regions.digit(i, joined);
      joined = true;
      continue;
    }
    if ((tokenKinds & DIGIT) !== 0) regions.token(tokenStart, i, tokenKinds);
    tokenStart = i + 1;
    tokenKinds = 0;
    if ((kind & RUN) === 0) {
      if (runKinds !== 0) regions.run(runStart, i, runKinds);
      runStart = i + 1;
      runKinds = 0;
      if ((kind & (COLON | EQUALS)) !== 0) regions.assignments.push(i);
    }
    if ((kind & SEPARATOR) === 0) joined = false;
  }
  regions.token(tokenStart, text.length, tokenKinds);
  regions.run(runStart, text.length, runKinds);
  regions.closeNumber();
  return {
    marks,
    numbers: regions.numbers,
    codes: regions.codes,
    runs: regions.runs,
    assignments: regions.assignments,
  };
}
