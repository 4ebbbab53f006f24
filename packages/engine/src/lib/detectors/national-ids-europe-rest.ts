import { digitsOf } from "./characters.ts";
import { digitAt, isDayOfYear, isOneRepeated, remainder, weightedSum } from "./checksum.ts";
import type { Detector } from "./detector.ts";
import { isLuhn } from "./luhn.ts";
import { DASH, knownNumber, namedNumber, SPACE, whole } from "./number-pattern.ts";

const ODD_VALUES = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Where a digit or letter stands in its alphabet. */
const ordinal = (code: number): number => (code < 58 ? code - 48 : code - 65);

/** Fifteen characters, valued by odd and even place, and the letter of their sum. */
function isCodiceFiscale(code: string): boolean {
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const value = ordinal(code.charCodeAt(i));
    sum += i % 2 === 0 ? (ODD_VALUES[value] ?? 0) : value;
  }
  return sum % 26 === ordinal(code.charCodeAt(15));
}

export const IT_CODICE_FISCALE: Detector = {
  id: "it_codice_fiscale",
  patterns: [
    {
      over: "code",
      regex: whole("[A-Z]{6}[\\dLMNP-V]{2}[A-EHLMPRST][\\dLMNP-V]{2}[A-Z][\\dLMNP-V]{3}[A-Z]", "gi"),
      digitsMin: 0,
      verify: (candidate) => isCodiceFiscale(candidate.matched.toUpperCase()),
    },
  ],
};

/** Ten digits, or twelve with the century: a date, whose day is raised by 60 for some, and the Luhn digit. */
function isPersonnummer(digits: string): boolean {
  const short = digits.slice(-10);
  const day = Number(short.slice(4, 6));
  return isDayOfYear(Number(short.slice(2, 4)), day > 60 ? day - 60 : day) && isLuhn(short) && !isOneRepeated(short);
}

const PERSONNUMMER_WORDS = /\b(?:person ?(?:nummer|nr)|personal (?:identity|id|number)|samordnings ?nummer|swedish id)/;

export const SE_PERSONNUMMER: Detector = {
  id: "se_personnummer",
  patterns: [
    knownNumber(`(?:19|20)?\\d{6}${DASH}\\d{4}`, 10, isPersonnummer),
    // A plus sign marks people above a hundred.
    {
      over: "code",
      regex: whole("(?:19|20)?\\d{6}\\+\\d{4}"),
      digitsMin: 0,
      verify: (candidate) => isPersonnummer(candidate.digits),
    },
    namedNumber(`(?:19|20)?\\d{6}${SPACE}?\\d{4}`, 10, { words: PERSONNUMMER_WORDS, check: isPersonnummer }),
  ],
};

const NORWEGIAN_WEIGHTS = [
  [3, 7, 6, 1, 8, 9, 4, 5, 2, 1],
  [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1],
];

/** Date and two check digits; numbers for foreigners add 40 to the day, synthetic ones 40 or 80 to the month. */
function isFodselsnummer(digits: string): boolean {
  const isDate = isDayOfYear(Number(digits.slice(2, 4)) % 40, Number(digits.slice(0, 2)) % 40);
  return isDate && NORWEGIAN_WEIGHTS.every((weights) => weightedSum(digits, weights) % 11 === 0);
}

export const NO_FODSELSNUMMER: Detector = {
  id: "no_fodselsnummer",
  patterns: [knownNumber(`\\d{6}${SPACE}?\\d{5}`, 11, isFodselsnummer)],
};

const HETU_CHECKS = "0123456789ABCDEFHJKLMNPRSTUVWXY";

function isHetu(code: string): boolean {
  const digits = digitsOf(code.slice(0, 6)) + digitsOf(code.slice(7, 10));
  const isDate = isDayOfYear(Number(code.slice(2, 4)), Number(code.slice(0, 2)));
  return isDate && HETU_CHECKS.charAt(remainder(digits, 31)) === code.slice(10);
}

export const FI_HETU: Detector = {
  id: "fi_hetu",
  patterns: [
    {
      over: "code",
      regex: whole("[0-3]\\d[01]\\d{3}[-+A-FU-Y]\\d{3}[\\dA-FHJ-NPR-Y]", "gi"),
      digitsMin: 0,
      verify: (candidate) => isHetu(candidate.matched.toUpperCase()),
    },
  ],
};

/** The century is in the month: 20 more for 2000, 80 more for 1800. */
function isPesel(digits: string): boolean {
  const check = (10 - (weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10;
  const isDate = isDayOfYear(Number(digits.slice(2, 4)) % 20, Number(digits.slice(4, 6)));
  return isDate && check === digitAt(digits, 10);
}

export const PL_PESEL: Detector = {
  id: "pl_pesel",
  patterns: [namedNumber("\\d{11}", 11, { words: /\bpesel/, check: isPesel })],
};
