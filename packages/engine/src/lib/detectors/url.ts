import { ALPHANUMERIC, COLON, kindAt, LETTER, WIDE } from "./characters.ts";
import type { Detector, Found } from "./detector.ts";
import type { Scan } from "./scan.ts";

const SCHEME_END = "://";
const SCHEME_LENGTH_MAX = 24;
const WWW = "www.";
/** What ends a URL in running text, besides spaces and controls. */
const ENDS = '<>"`{}|\\^\u00ab\u00bb\u201c\u201d\u2018\u2019\u3000\u3001\u3002';
/** What ends a sentence, not a URL, when it comes last. */
const TRAILERS = ".,;:!?'*_~";
const PAIRS: ReadonlyMap<string, string> = new Map([
  [")", "("],
  ["]", "["],
]);
const PAIR_COUNT_MAX = 8;
/** A name, an IPv6 address in brackets, or a path. */
const HOST_START = /[A-Za-z0-9\u00a1-\uffff/]|\[[0-9A-Fa-f:]/y;

const isSpace = (code: number): boolean =>
  code <= 32 ||
  code === 127 ||
  code === 0xa0 ||
  (code >= 0x2000 && code <= 0x200f) ||
  code === 0x2028 ||
  code === 0x202f;

/** Where the characters of a URL end. */
function charactersEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && !isSpace(text.charCodeAt(end)) && !ENDS.includes(text.charAt(end))) end++;
  return end;
}

/** Without what belongs to the sentence around it: `(see https://example.com/a_(b)).` */
function withoutTrailers(text: string, start: number, end: number): number {
  let last = end;
  for (let pairs = 0; last > start; last--) {
    const character = text.charAt(last - 1);
    const opener = PAIRS.get(character);
    if (opener === undefined ? !TRAILERS.includes(character) : pairs++ >= PAIR_COUNT_MAX) break;
    if (opener !== undefined && isPaired(text.slice(start, last), opener, character)) break;
  }
  return last;
}

const isPaired = (url: string, opener: string, closer: string): boolean =>
  url.split(opener).length >= url.split(closer).length;

/** Where the scheme before `://` starts; the offset of `://` when there is none. */
function schemeStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < SCHEME_LENGTH_MAX && isSchemeCharacter(text, start - 1)) start--;
  while (start < at && (kindAt(text, start) & LETTER) === 0) start++;
  return start;
}

const isSchemeCharacter = (text: string, offset: number): boolean =>
  (kindAt(text, offset) & ALPHANUMERIC) !== 0 || "+-.".includes(text.charAt(offset));

function findSchemes({ text, census }: Scan, found: Found): void {
  if ((census.marks & COLON) === 0) return;
  for (let at = text.indexOf(SCHEME_END); at >= 0; ) {
    const host = at + SCHEME_END.length;
    const start = schemeStart(text, at);
    let end = host;
    HOST_START.lastIndex = host;
    if (at - start > 1 && HOST_START.test(text)) {
      end = charactersEnd(text, host);
      const trimmed = withoutTrailers(text, host, end);
      if (trimmed > host + 1) found(start, trimmed);
    }
    at = text.indexOf(SCHEME_END, end);
  }
}

/** Whether `www.` at this offset starts a name and one goes on behind it. */
function startsBare(text: string, at: number, host: number): boolean {
  if ((kindAt(text, at - 1) & (ALPHANUMERIC | WIDE)) !== 0 || text.charAt(at - 1) === ".") return false;
  return (kindAt(text, host) & (ALPHANUMERIC | WIDE)) !== 0;
}

function findBare({ text }: Scan, found: Found): void {
  for (let at = text.indexOf(WWW); at >= 0; ) {
    const host = at + WWW.length;
    let end = host;
    if (startsBare(text, at, host)) {
      end = charactersEnd(text, host);
      const trimmed = withoutTrailers(text, host, end);
      if (text.slice(host, trimmed).includes(".")) found(at, trimmed);
    }
    at = text.indexOf(WWW, end);
  }
}

export const URL_DETECTOR: Detector = {
  id: "url",
  searches: [
    { regexes: [HOST_START], find: findSchemes },
    { regexes: [], find: findBare },
  ],
};
