import type { Candidate } from "./candidate.ts";
import { digitAt, hasDate, isOneRepeated, isVerhoeff, weightedSum } from "./checksum.ts";
import type { Detector } from "./detector.ts";
import { DASH, GAP, isWhole, knownNumber, namedNumber, whole } from "./number-pattern.ts";

const isAadhaar = (digits: string): boolean => isVerhoeff(digits) && !isOneRepeated(digits);
const AADHAAR_WORDS = /\b(?:aadhaa?r|uidai|uid)\b/;

export const IN_AADHAAR: Detector = {
  id: "in_aadhaar",
  patterns: [
    {
      over: "number",
      regex: whole(`[2-9]\\d{3}(?:${GAP}\\d{4}){2}`),
      digitsMin: 12,
      verify: (candidate) => isAadhaar(candidate.digits) && (isWhole(candidate) || candidate.isNamed(AADHAAR_WORDS)),
    },
    namedNumber("[2-9]\\d{11}", 12, { words: AADHAAR_WORDS, check: isAadhaar }),
  ],
};

const PAN_WORDS = /\b(?:pan|permanent account|income tax)\b/;

function isPan(candidate: Candidate): boolean {
  return candidate.matched === candidate.matched.toUpperCase() || candidate.isNamed(PAN_WORDS);
}

export const IN_PAN: Detector = {
  id: "in_pan",
  patterns: [{ over: "code", regex: whole("[A-Z]{3}[ABCFGHJLPT][A-Z]\\d{4}[A-Z]", "gi"), digitsMin: 0, verify: isPan }],
};

const RESIDENT_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** ISO 7064 MOD 11-2 over seventeen digits that hold the date of birth. */
function isResidentId(candidate: Candidate): boolean {
  const code = candidate.matched.toUpperCase();
  return hasDate(code, 8) && "10X98765432".charAt(weightedSum(code, RESIDENT_WEIGHTS) % 11) === code.charAt(17);
}

export const CN_RESIDENT_ID: Detector = {
  id: "cn_resident_id",
  patterns: [
    { over: "number", regex: whole("[1-9]\\d{5}(?:18|19|20)\\d{10}"), digitsMin: 18, verify: isResidentId },
    { over: "code", regex: whole("[1-9]\\d{5}(?:18|19|20)\\d{9}X", "gi"), digitsMin: 0, verify: isResidentId },
  ],
};

/** Numbers issued since October 2020 have no check digit, so none is asked for. */
const isRrn = (digits: string): boolean => hasDate(digits, 0);
const RRN_WORDS = /\b(?:rrn|resident registration)\b|\uc8fc\ubbfc/;

export const KR_RRN: Detector = {
  id: "kr_rrn",
  patterns: [
    knownNumber(`\\d{6}${DASH}[1-8]\\d{6}`, 13, isRrn),
    namedNumber("\\d{6}[1-8]\\d{6}", 13, { words: RRN_WORDS, check: isRrn }),
  ],
};

function isMyNumber(digits: string): boolean {
  const rest = weightedSum(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return digitAt(digits, 11) === (rest <= 1 ? 0 : 11 - rest) && !isOneRepeated(digits);
}

const MY_NUMBER_WORDS =
  /\b(?:my ?number|individual number|mynumber)\b|\u30de\u30a4\u30ca\u30f3\u30d0\u30fc|\u500b\u4eba\u756a\u53f7/;

export const JP_MY_NUMBER: Detector = {
  id: "jp_my_number",
  patterns: [namedNumber(`\\d{4}${GAP}?\\d{4}${GAP}?\\d{4}`, 12, { words: MY_NUMBER_WORDS, check: isMyNumber })],
};

const NRIC_WEIGHTS = [2, 7, 6, 5, 4, 3, 2];
const NRIC_LETTERS: ReadonlyMap<string, readonly [offset: number, letters: string]> = new Map([
  ["S", [0, "JZIHGFEDCBA"]],
  ["T", [4, "JZIHGFEDCBA"]],
  ["F", [0, "XWUTRQPNMLK"]],
  ["G", [4, "XWUTRQPNMLK"]],
  ["M", [3, "XWUTRQPNJLK"]],
]);

function isNric(code: string): boolean {
  const [offset, letters] = NRIC_LETTERS.get(code.charAt(0)) ?? [0, ""];
  const sum = weightedSum(code.slice(1, 8), NRIC_WEIGHTS) + offset;
  return letters.charAt(sum % 11) === code.charAt(8);
}

export const SG_NRIC: Detector = {
  id: "sg_nric",
  patterns: [
    {
      over: "code",
      regex: whole("[STFGM]\\d{7}[A-Z]", "gi"),
      digitsMin: 0,
      verify: (candidate) => isNric(candidate.matched.toUpperCase()),
    },
  ],
};

const isTfn = (digits: string): boolean =>
  weightedSum(digits, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0 && !isOneRepeated(digits);

export const AU_TFN: Detector = {
  id: "au_tfn",
  patterns: [namedNumber(`\\d{3}${GAP}?\\d{3}${GAP}?\\d{3}`, 9, { words: /\b(?:tfns?|tax file)\b/, check: isTfn })],
};
