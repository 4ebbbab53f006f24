import { ALPHANUMERIC, DIGIT, kindAt, kindOf, SEPARATOR } from "./characters.ts";
import { isBounded } from "./context.ts";
import type { Detector, Found } from "./detector.ts";
import type { Scan } from "./scan.ts";

/** How long the number of each country is; from the IBAN registry of ISO 13616. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 " +
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 " +
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 " +
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const HEAD = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[A-Za-z0-9]|[ \-.\u00a0\u2007-\u2015\u202f\u2212][A-Za-z0-9])/g;
const HEAD_LENGTH = 4;

/** Whether a string of letters and digits without separators is an IBAN: its country's length, and ISO 7064 MOD 97-10. */
function isIban(characters: string): boolean {
  const upper = characters.toUpperCase();
  if (LENGTHS.get(upper.slice(0, 2)) !== upper.length) return false;
  const moved = upper.slice(HEAD_LENGTH) + upper.slice(0, HEAD_LENGTH);
  let rest = 0;
  for (let i = 0; i < moved.length; i++) {
    const code = moved.charCodeAt(i);
    const kind = kindOf(code);
    if ((kind & ALPHANUMERIC) === 0) return false;
    rest = (kind & DIGIT) !== 0 ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97;
  }
  return rest === 1;
}

/** Where the number that starts here ends, if it is one: as many characters as its country has, in any grouping. */
function ibanEnd(text: string, start: number): number {
  const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase()) ?? 0;
  let characters = "";
  let end = start;
  for (let gap = 0; characters.length < length; end++) {
    const kind = kindAt(text, end);
    if ((kind & ALPHANUMERIC) !== 0) {
      characters += text.charAt(end);
      gap = 0;
    } else if ((kind & SEPARATOR) === 0 || ++gap > 1) {
      return -1;
    }
  }
  return length > 0 && isIban(characters) ? end : -1;
}

function findIbans({ text, census }: Scan, found: Found): void {
  for (let i = 0; i < census.codes.length; i += 2) {
    const offset = census.codes[i] ?? 0;
    const region = text.slice(offset, census.codes[i + 1]);
    HEAD.lastIndex = 0;
    for (let match = HEAD.exec(region); match !== null; match = HEAD.exec(region)) {
      const start = offset + match.index;
      const end = ibanEnd(text, start);
      if (end > 0 && isBounded(text, start, end)) found(start, end);
    }
  }
}

export const IBAN: Detector = { id: "iban", searches: [{ regexes: [HEAD], find: findIbans }] };
