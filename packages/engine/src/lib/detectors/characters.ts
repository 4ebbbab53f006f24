/** Kinds of characters, as bits. */
export const DIGIT = 1;
export const UPPER = 2;
const LOWER = 4;
/** Joins the parts of a key or token: `_`, `-`, `.`, `~`. */
export const JOINER = 8;
/** Stands between the digits of a number: space, `-`, `.`, `/`, parentheses and their typographic kin. */
export const SEPARATOR = 16;
export const AT = 32;
export const COLON = 64;
export const EQUALS = 128;
export const PERCENT = 256;
export const HYPHEN = 512;
/** Everything that is not ASCII. */
export const WIDE = 1024;
const DOT = 2048;

export const LETTER: number = UPPER | LOWER;
export const ALPHANUMERIC: number = DIGIT | LETTER;
/** What a key or token is made of. */
export const RUN: number = ALPHANUMERIC | JOINER;

const KINDS: Int32Array = new Int32Array(128);

function mark(characters: string, kind: number): void {
  for (let i = 0; i < characters.length; i++) {
    const code = characters.charCodeAt(i);
    KINDS[code] = (KINDS[code] ?? 0) | kind;
  }
}

mark("0123456789", DIGIT);
mark("ABCDEFGHIJKLMNOPQRSTUVWXYZ", UPPER);
mark("abcdefghijklmnopqrstuvwxyz", LOWER);
mark("_-.~", JOINER);
mark(" -./()", SEPARATOR);
mark("@", AT);
mark(":", COLON);
mark("=", EQUALS);
mark("%", PERCENT);
mark("-", HYPHEN);
mark(".", DOT);

/** No-break and thin spaces, hyphens and dashes, minus: what word processors put between digits. */
const isWideSeparator = (code: number): boolean =>
  code === 0xa0 || (code >= 0x2007 && code <= 0x2015) || code === 0x202f || code === 0x2212;

/** The kinds of one UTF-16 code unit, as bits; 0 for controls and other ASCII punctuation. */
export function kindOf(code: number): number {
  if (code < 128) return KINDS[code] ?? 0;
  return isWideSeparator(code) ? WIDE | SEPARATOR : WIDE;
}

/** The kinds of the code unit at an offset; 0 outside the text. */
export function kindAt(text: string, offset: number): number {
  return offset >= 0 && offset < text.length ? kindOf(text.charCodeAt(offset)) : 0;
}

const OTHERS = /[^0-9]/g;

/** Digits alone, everything else dropped. */
export function digitsOf(text: string): string {
  return text.replace(OTHERS, "");
}
