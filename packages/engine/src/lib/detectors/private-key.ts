import { ALPHANUMERIC, DIGIT, HYPHEN, kindAt } from "./characters.ts";
import type { Detector, Found } from "./detector.ts";
import { providerSearch } from "./provider-secrets.ts";
import type { Scan } from "./scan.ts";
import { PRIVATE_KEY_FORMATS } from "./secret-formats.ts";

const BEGIN = "-----BEGIN ";
const BOUNDARY = "-----";
const BEGIN_LINE = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----/y;
const END_LINE = /-----END (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----/y;

/** UTF-16 code units of a key between its lines: an RSA key of 16384 bits has 12 500, escapes and headers included. */
const BODY_LENGTH_MAX = 32_768;
/** Letters and digits that make a body more than an ellipsis. */
const BODY_CHARACTERS_MIN = 16;
/** What a body holds besides letters and digits: base64, and line ends, which may be escaped. */
const BASE64_OTHERS = "+/=\\\r\n\t";
/** The same with the fields that may come before it, and the margins of quoted lines. */
const FIELD_OTHERS = `${BASE64_OTHERS} ,:;.-_()@<>|"'*`;

/** Where a body ends at the latest: at a boundary, or at what cannot be part of one. */
function bodyEnd(text: string, from: number, others: string): number {
  const limit = Math.min(text.length, from + BODY_LENGTH_MAX);
  let end = from;
  while (end < limit) {
    if ((kindAt(text, end) & ALPHANUMERIC) === 0 && !others.includes(text.charAt(end))) break;
    if ((kindAt(text, end) & HYPHEN) !== 0 && text.startsWith(BOUNDARY, end)) break;
    end++;
  }
  return end;
}

function hasBody(text: string, from: number, end: number): boolean {
  let count = 0;
  for (let i = from; i < end && count < BODY_CHARACTERS_MIN; i++) {
    if ((kindAt(text, i) & ALPHANUMERIC) !== 0) count++;
  }
  return count === BODY_CHARACTERS_MIN;
}

/** Where the key that starts here ends, `-1` when none does. One that was cut off ends where its base64 does. */
function pemEnd(text: string, start: number): number {
  BEGIN_LINE.lastIndex = start;
  const begin = BEGIN_LINE.exec(text);
  if (begin === null) return -1;
  const body = start + begin[0].length;
  const boundary = bodyEnd(text, body, FIELD_OTHERS);
  END_LINE.lastIndex = boundary;
  const end = END_LINE.exec(text);
  if (end !== null && hasBody(text, body, boundary)) return boundary + end[0].length;
  const cut = bodyEnd(text, body, BASE64_OTHERS);
  return hasBody(text, body, cut) ? cut : -1;
}

function findPem({ text, census }: Scan, found: Found): void {
  if ((census.marks & HYPHEN) === 0) return;
  for (let start = text.indexOf(BEGIN); start >= 0; ) {
    const end = pemEnd(text, start);
    if (end > 0) found(start, end);
    start = text.indexOf(BEGIN, Math.max(end, start + BEGIN.length));
  }
}

const PUTTY = "PuTTY-User-Key-File-";
const PUTTY_LINES = "Private-Lines:";
const PUTTY_END = /Private-MAC: [0-9a-f]{40,64}/g;

/** Where the PuTTY key that starts here ends; the next one, if any, starts at `next`. */
function puttyEnd(text: string, start: number, next: number): number {
  const limit = Math.min(start + BODY_LENGTH_MAX, next < 0 ? text.length : next);
  const body = text.slice(start, limit);
  if ((kindAt(body, PUTTY.length) & DIGIT) === 0 || !body.includes(PUTTY_LINES)) return -1;
  PUTTY_END.lastIndex = 0;
  const mac = PUTTY_END.exec(body);
  return start + (mac === null ? body.length : mac.index + mac[0].length);
}

function findPutty({ text, census }: Scan, found: Found): void {
  if ((census.marks & HYPHEN) === 0) return;
  for (let start = text.indexOf(PUTTY); start >= 0; ) {
    const next = text.indexOf(PUTTY, start + PUTTY.length);
    const end = puttyEnd(text, start, next);
    if (end > 0) found(start, end);
    start = next;
  }
}

export const PRIVATE_KEY: Detector = {
  id: "private_key",
  searches: [
    { regexes: [BEGIN_LINE, END_LINE], find: findPem },
    { regexes: [PUTTY_END], find: findPutty },
    providerSearch(PRIVATE_KEY_FORMATS),
  ],
};
