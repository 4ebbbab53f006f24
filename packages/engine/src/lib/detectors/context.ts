import { ALPHANUMERIC, DIGIT, kindAt, kindOf, LETTER, SEPARATOR, WIDE } from "./characters.ts";

/** What a redacted finding starts with, unless the caller writes something else. */
export const MARKER_START = "[redacted:";

/** UTF-16 code units before a number in which a word can name it. */
const BEFORE_LENGTH_MAX = 48;
/** UTF-16 code units after a number in which a word in parentheses can name it. */
const AFTER_LENGTH_MAX = 32;
/** So many digits in a row are another number; a word before them names that one. */
const OTHER_NUMBER_DIGITS = 4;
const MARKER_LENGTH_MAX = 40;
const MARKER = /^\[redacted:[a-z_]{2,28}\]/;
const MARKER_END = /\[redacted:[a-z_]{2,28}\]$/;

const NAMED_AFTER = /^ {0,2}\(([^()[\d]{1,32})[):]/;
const SEPARATED = /[^A-Za-z0-9]/;
/** Between a small letter or digit and a capital. */
const HEADS = /(?<=[a-z\d])(?=[A-Z])/g;
const BREAKS = /[_\-.:/]/g;

/** Splits `camelCase`, `snake_case` and the like into lower-case words. */
export function toWords(name: string): string {
  return name.replace(HEADS, " ").replace(BREAKS, " ").toLowerCase();
}

/** What stands before a number in its window, back to the last other number or redacted finding; nothing without words. */
function wordsBefore(text: string, start: number): string {
  const floor = Math.max(0, start - BEFORE_LENGTH_MAX);
  let from = start;
  let seen = 0;
  for (let digits = 0; from > floor; from--) {
    const kind = kindOf(text.charCodeAt(from - 1));
    seen |= kind;
    digits = (kind & DIGIT) !== 0 ? digits + 1 : 0;
    if (digits === OTHER_NUMBER_DIGITS || isMarkerEnd(text, from - 1)) break;
  }
  return (seen & (LETTER | WIDE)) !== 0 ? text.slice(from, start) : "";
}

/** Whether a redacted finding ends with the code unit at this offset. */
export function isMarkerEnd(text: string, offset: number): boolean {
  return text[offset] === "]" && MARKER_END.test(text.slice(Math.max(0, offset - MARKER_LENGTH_MAX), offset + 1));
}

/** Whether a redacted finding starts at this offset. */
export function isMarkerStart(text: string, offset: number): boolean {
  return text[offset] === "[" && MARKER.test(text.slice(offset, offset + MARKER_LENGTH_MAX));
}

/**
 * Whether letters and digits end where a match does: what goes on is another word. A redacted finding right beside it
 * counts as letters, since it nearly always was some.
 */
export function isBounded(text: string, start: number, end: number): boolean {
  if (((kindAt(text, start - 1) | kindAt(text, end)) & ALPHANUMERIC) !== 0) return false;
  return !isMarkerEnd(text, start - 1) && !isMarkerStart(text, end);
}

/** The words beside a place in a text that can name what stands there: before it, or after it in parentheses. */
export function wordsAround(text: string, start: number, end: number): string {
  const before = wordsBefore(text, start);
  const after = NAMED_AFTER.exec(text.slice(end, end + AFTER_LENGTH_MAX))?.[1] ?? "";
  return before === "" && after === "" ? "" : toWords(`${before} ${after}`);
}

/**
 * Whether a number is whole: beside it, behind a separator that it uses itself, stand no other digits. One written
 * without separators could be continued by `-` or `.`. A redacted finding there counts as digits: it may have been some.
 */
export function standsAlone(text: string, start: number, end: number): boolean {
  const inside = text.slice(start, end);
  return !isContinuedBefore(text, start, inside) && !isContinuedAfter(text, end, inside);
}

function continues(separator: string, inside: string): boolean {
  if (inside.includes(separator)) return true;
  return (separator === "-" || separator === ".") && !SEPARATED.test(inside);
}

function isContinuedBefore(text: string, start: number, inside: string): boolean {
  if ((kindAt(text, start - 1) & SEPARATOR) === 0 || !continues(text.charAt(start - 1), inside)) return false;
  return (kindAt(text, start - 2) & DIGIT) !== 0 || isMarkerEnd(text, start - 2);
}

function isContinuedAfter(text: string, end: number, inside: string): boolean {
  if ((kindAt(text, end) & SEPARATOR) === 0 || !continues(text.charAt(end), inside)) return false;
  return (kindAt(text, end + 1) & DIGIT) !== 0 || isMarkerStart(text, end + 1);
}

/** Whether what starts here are the decimals of a number (`0.4111`). */
export function isFraction(text: string, start: number): boolean {
  const point = text.charAt(start - 1);
  if (point !== "." && point !== ",") return false;
  return (kindAt(text, start - 2) & DIGIT) !== 0 || isMarkerEnd(text, start - 2);
}
