import { REGION_MARGIN } from "./census.ts";
import { ALPHANUMERIC, kindAt } from "./characters.ts";
import { isBounded } from "./context.ts";
import type { Found, Search } from "./detector.ts";
import { entropyOf } from "./entropy.ts";
import type { Scan } from "./scan.ts";

/** How far a format may go on past its run, in base64 characters that end runs. */
const RUN_REACH = 512;
const OUTSIDE_RUN = /[+/%=]/;
/** The end of a real one is random; of an example, often one character repeated. */
const TAIL_LENGTH = 24;
const TAIL_ENTROPY_MIN = 2.25;

const goesOn = (text: string, offset: number): boolean =>
  (kindAt(text, offset) & ALPHANUMERIC) !== 0 || text[offset] === "_" || text[offset] === "-";

/** Where a secret ends that goes on for longer than its format: nothing of it may be left. */
function secretEnd(text: string, end: number): number {
  let last = end;
  while (goesOn(text, last)) last++;
  while (last > end && (kindAt(text, last - 1) & ALPHANUMERIC) === 0) last--;
  return last;
}

function findFormats(regex: RegExp, { text, census }: Scan, found: Found): void {
  for (let i = 0, done = 0; i < census.runs.length; i += 2) {
    const runEnd = census.runs[i + 1] ?? 0;
    if (runEnd <= done) continue;
    const offset = Math.max(0, (census.runs[i] ?? 0) - REGION_MARGIN);
    const region = text.slice(offset, runEnd + (OUTSIDE_RUN.test(text.charAt(runEnd)) ? RUN_REACH : 1));
    regex.lastIndex = 0;
    for (let match = regex.exec(region); match !== null; match = regex.exec(region)) {
      const start = offset + match.index;
      const isSecret = entropyOf(match[0].slice(-TAIL_LENGTH)) >= TAIL_ENTROPY_MIN;
      if (!isSecret || !isBounded(text, start, start + match[0].length)) continue;
      done = secretEnd(text, start + match[0].length);
      found(start, done);
      regex.lastIndex = done - offset;
    }
  }
}

/** A search for secrets of these formats in the long runs of a text. */
export function providerSearch(formats: readonly string[]): Search {
  const regex = new RegExp(`(?<![A-Za-z0-9])(?:${formats.join("|")})(?![A-Za-z0-9])`, "g");
  return { regexes: [regex, OUTSIDE_RUN], find: (scan, found) => findFormats(regex, scan, found) };
}

/** A search for addresses that grant access to whoever knows them: a fixed start, and what must follow. */
export function secretAddressSearch(start: string, rest: RegExp): Search {
  const find = ({ text }: Scan, found: Found): void => {
    for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + start.length)) {
      rest.lastIndex = at + start.length;
      const match = rest.exec(text);
      if (match !== null) found(at, rest.lastIndex);
    }
  };
  return { regexes: [rest], find };
}
