import { digitAt, isDayOfYear, isOneRepeated, weightedSum } from "./checksum.ts";
import type { Detector } from "./detector.ts";
import { isLuhn } from "./luhn.ts";
import { DASH, GAP, grouped, knownNumber, namedNumber, whole } from "./number-pattern.ts";

/** Area, group and serial are never all zero; 666 and 900 and above are no areas. */
function isSsn(digits: string): boolean {
  const area = Number(digits.slice(0, 3));
  const hasZeros = area === 0 || digits.slice(3, 5) === "00" || digits.slice(5) === "0000";
  return !hasZeros && area !== 666 && area < 900;
}

/** Area of 900 and above, and a group that is set aside for these numbers. */
function isItin(digits: string): boolean {
  const group = Number(digits.slice(3, 5));
  const isSetAside = (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group !== 93);
  return digits.startsWith("9") && isSetAside;
}

const SSN_WORDS = /\b(?:ssns?|social security|soc sec|ss ?#|tax ?payer id|tin)/;
const ITIN_WORDS = /\b(?:itins?|tax ?payer|tin|tax id)\b/;

export const US_SSN: Detector = {
  id: "us_ssn",
  patterns: [
    knownNumber(grouped([3, 2, 4], DASH), 9, isSsn),
    namedNumber(`\\d{3}${GAP}?\\d{2}${GAP}?\\d{4}`, 9, { words: SSN_WORDS, check: isSsn }),
  ],
};

export const US_ITIN: Detector = {
  id: "us_itin",
  patterns: [
    knownNumber(grouped([3, 2, 4], DASH), 9, isItin),
    namedNumber(`\\d{3}${GAP}?\\d{2}${GAP}?\\d{4}`, 9, { words: ITIN_WORDS, check: isItin }),
  ],
};

const isSin = (digits: string): boolean => isLuhn(digits) && !isOneRepeated(digits);
const SIN_WORDS = /\b(?:sin|social insurance|assurance sociale|nas)\b/;

export const CA_SIN: Detector = {
  id: "ca_sin",
  patterns: [
    knownNumber(grouped([3, 3, 3], DASH), 9, isSin),
    namedNumber(`\\d{3}${GAP}?\\d{3}${GAP}?\\d{3}`, 9, { words: SIN_WORDS, check: isSin }),
  ],
};

/** Each of the two last digits checks those before it. */
function isCpf(digits: string): boolean {
  if (isOneRepeated(digits)) return false;
  return [9, 10].every((position) => {
    const weights = Array.from({ length: position }, (_, i) => position + 1 - i);
    return ((weightedSum(digits, weights) * 10) % 11) % 10 === digitAt(digits, position);
  });
}

export const BR_CPF: Detector = {
  id: "br_cpf",
  patterns: [
    knownNumber(`\\d{3}\\.\\d{3}\\.\\d{3}${DASH}\\d{2}`, 11, isCpf),
    namedNumber(`\\d{3}${GAP}?\\d{3}${GAP}?\\d{3}(?:${GAP}|/)?\\d{2}`, 11, { words: /\bcpfs?\b/, check: isCpf }),
  ],
};

const CURP_CHARACTERS = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ";

function isCurp(code: string): boolean {
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += CURP_CHARACTERS.indexOf(code.charAt(i)) * (18 - i);
  const isDate = isDayOfYear(Number(code.slice(6, 8)), Number(code.slice(8, 10)));
  return isDate && (10 - (sum % 10)) % 10 === digitAt(code, 17);
}

export const MX_CURP: Detector = {
  id: "mx_curp",
  patterns: [
    {
      over: "code",
      regex: whole("[A-Z]{4}\\d{6}[HMX][A-Z]{5}[A-Z\\d]\\d", "gi"),
      digitsMin: 0,
      verify: (candidate) => isCurp(candidate.matched.toUpperCase()),
    },
  ],
};
