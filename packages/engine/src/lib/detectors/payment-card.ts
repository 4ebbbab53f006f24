import type { Candidate } from "./candidate.ts";
import { isFraction } from "./context.ts";
import type { Detector } from "./detector.ts";
import { isLuhn } from "./luhn.ts";
import { GAP, isWhole, whole } from "./number-pattern.ts";

const LONG = [16, 17, 18, 19];
const DINERS = [14, ...LONG];

/** Ranges of the first four digits that issuers have, and the lengths in use there. */
const ISSUERS: readonly (readonly [first: number, last: number, lengths: readonly number[]])[] = [
  [4_000, 4_999, [13, 16, 19]],
  [5_100, 5_599, [16]],
  [2_221, 2_720, [16]],
  [3_400, 3_499, [15]],
  [3_700, 3_799, [15]],
  [3_000, 3_059, DINERS],
  [3_095, 3_095, DINERS],
  [3_600, 3_699, DINERS],
  [3_800, 3_999, DINERS],
  [3_528, 3_589, LONG],
  [5_000, 5_099, LONG],
  [5_600, 5_899, LONG],
  [6_000, 6_999, LONG],
  [8_100, 8_299, [16]],
  [2_200, 2_205, LONG],
  [9_792, 9_792, [16]],
];

const WORDS =
  /\b(?:cards?|card ?(?:no|number|num)|cc|pan|visa|master ?card|amex|american express|discover|diners|maestro|credit|debit)\b/;

/** Whether a string of digits is a card number: an issuer's range, one of its lengths, and the Luhn digit. */
function isPaymentCard(digits: string): boolean {
  return hasIssuer(digits) && isLuhn(digits);
}

function hasIssuer(digits: string): boolean {
  const head = Number(digits.slice(0, 4));
  return ISSUERS.some(([first, last, lengths]) => head >= first && head <= last && lengths.includes(digits.length));
}

const check = (candidate: Candidate): boolean => isPaymentCard(candidate.digits);

export const PAYMENT_CARD: Detector = {
  id: "payment_card",
  patterns: [
    {
      over: "number",
      regex: whole("\\d{13,19}"),
      digitsMin: 13,
      verify: (c) => check(c) && !isFraction(c.text, c.start),
    },
    {
      over: "number",
      regex: whole(`\\d{4}(?:${GAP}{1,2}\\d{4}){3}(?:${GAP}{1,2}\\d{1,3})?`),
      digitsMin: 16,
      verify: check,
    },
    { over: "number", regex: whole(`\\d{4}(?:${GAP}{1,2}\\d{4}){3}`), digitsMin: 16, verify: check },
    { over: "number", regex: whole(`\\d{4}${GAP}{1,2}\\d{6}${GAP}{1,2}\\d{4,5}`), digitsMin: 14, verify: check },
    // Grouped in any other way, chance would pass one row of a table in ten.
    {
      over: "number",
      regex: whole(`\\d(?:${GAP}{0,2}\\d){12,18}`),
      digitsMin: 13,
      verify: (c) => check(c) && isWhole(c) && c.isNamed(WORDS),
    },
  ],
};
