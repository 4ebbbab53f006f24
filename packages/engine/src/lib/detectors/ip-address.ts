import type { Candidate } from "./candidate.ts";
import { COLON, DIGIT, kindAt } from "./characters.ts";
import { isBounded } from "./context.ts";
import type { Detector, Found } from "./detector.ts";
import { isWhole } from "./number-pattern.ts";
import type { Scan } from "./scan.ts";

const OCTET = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const V4 = new RegExp(`(?<![A-Za-z0-9.])(?:${OCTET}\\.){3}${OCTET}(?![A-Za-z0-9])`, "g");
const VERSION_WORDS = /\b(?:version|release|build|section|chapter|clause|firmware|v|ver|rev) {0,2}$/i;
const VERSION_REACH = 16;

/** Four numbers with dots are a version or a section where the text says so. */
function isV4(candidate: Candidate): boolean {
  const before = candidate.text.slice(Math.max(0, candidate.start - VERSION_REACH), candidate.start);
  return isWhole(candidate) && !VERSION_WORDS.test(before);
}

/** The longest IPv6 address: eight groups, the last two as IPv4. */
const V6_LENGTH_MAX = 45;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const V4_ALONE = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);

const isV6Character = (character: string): boolean =>
  character !== "" && "0123456789abcdefABCDEF:.".includes(character);

/** How many groups of 16 bits a part without `::` stands for; `NaN` when it is not made of such. */
function groupCount(part: string, mayEndInV4: boolean): number {
  if (part === "") return 0;
  const groups = part.split(":");
  const last = groups.at(-1) ?? "";
  const endsInV4 = mayEndInV4 && V4_ALONE.test(last);
  const plain = endsInV4 ? groups.slice(0, -1) : groups;
  return plain.every((group) => GROUP.test(group)) ? plain.length + (endsInV4 ? 2 : 0) : Number.NaN;
}

/** Whether a text is one IPv6 address (RFC 4291), without zone. */
function isIpV6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const [head = "", tail] = halves;
  if (tail === undefined) return groupCount(head, true) === 8;
  return groupCount(head, false) + groupCount(tail, true) <= 7;
}

/** Names in programs join with `::` too; in them hardly ever stands a digit. */
function looksLikeAddress(text: string): boolean {
  if (!isIpV6(text)) return false;
  for (let i = 0; i < text.length; i++) {
    if ((kindAt(text, i) & DIGIT) !== 0) return true;
  }
  return !text.includes("::");
}

/** All that could belong to an address around a colon, not before `floor`, as `[start, end]`. */
function spanAround(text: string, colon: number, floor: number): readonly [start: number, end: number] {
  let start = colon;
  let end = colon + 1;
  while (start > floor && isV6Character(text.charAt(start - 1))) start--;
  while (isV6Character(text.charAt(end))) end++;
  return [start, end];
}

function withoutTrailers(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && text[last - 1] === ".") last--;
  return text[last - 1] === ":" && text[last - 2] !== ":" ? last - 1 : last;
}

function findV6({ text, census }: Scan, found: Found): void {
  if ((census.marks & COLON) === 0) return;
  let done = 0;
  for (const colon of census.assignments) {
    if (colon < done || text[colon] !== ":" || text[colon + 1] === "/") continue;
    if (text[colon + 1] !== ":" && !(isV6Character(text.charAt(colon - 1)) && isV6Character(text.charAt(colon + 1)))) {
      continue;
    }
    const [start, end] = spanAround(text, colon, done);
    done = end;
    const last = withoutTrailers(text, start, end);
    if (end - start > V6_LENGTH_MAX + 1 || !isBounded(text, start, end)) continue;
    if (looksLikeAddress(text.slice(start, last))) found(start, last);
  }
}

export const IP_ADDRESS: Detector = {
  id: "ip_address",
  patterns: [{ over: "number", regex: V4, digitsMin: 4, verify: isV4 }],
  searches: [{ regexes: [GROUP, V4_ALONE, VERSION_WORDS], find: findV6 }],
};
