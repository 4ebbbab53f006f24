import { digitAt, hasDate } from "./checksum.ts";
import type { Detector } from "./detector.ts";
import { isLuhn } from "./luhn.ts";
import { GAP, namedNumber } from "./number-pattern.ts";

const ZA_WORDS = /\b(?:south african?|rsa|sa|za|identity|id) ?(?:id|identity|number|no|nr|document)\b/;

/** Date, serial, citizenship 0 to 2, and the Luhn digit. */
const isSouthAfricanId = (digits: string): boolean => hasDate(digits, 0) && digitAt(digits, 10) <= 2 && isLuhn(digits);

export const ZA_ID: Detector = {
  id: "za_id",
  patterns: [namedNumber(`\\d{6}${GAP}?\\d{4}${GAP}?\\d{3}`, 13, { words: ZA_WORDS, check: isSouthAfricanId })],
};
