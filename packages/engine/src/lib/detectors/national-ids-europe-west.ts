import type { Candidate } from "./candidate.ts";
import { digitAt, isDayOfYear, isMod11And10, isOneRepeated, remainder, weightedSum } from "./checksum.ts";
import type { Detector } from "./detector.ts";
import { DASH, GAP, grouped, knownNumber, namedNumber, SPACE, whole } from "./number-pattern.ts";

const NINO_WORDS = /\b(?:nino|national insurance|ni (?:no|number)|insurance number)\b/;
const NINO_UNUSED = /^(?:BG|GB|KN|NK|NT|TN|ZZ)/;

function isNino(candidate: Candidate): boolean {
  const upper = candidate.matched.toUpperCase();
  if (NINO_UNUSED.test(upper)) return false;
  return upper === candidate.matched || candidate.isNamed(NINO_WORDS);
}

export const UK_NINO: Detector = {
  id: "uk_nino",
  patterns: [
    {
      over: "code",
      regex: whole(`[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]${GAP}?\\d{2}${GAP}?\\d{2}${GAP}?\\d{2}${GAP}?[A-D]`, "gi"),
      digitsMin: 0,
      verify: isNino,
    },
  ],
};

function isNhsNumber(digits: string): boolean {
  const check = 11 - (weightedSum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return check !== 10 && check % 11 === digitAt(digits, 9) && !isOneRepeated(digits);
}

export const UK_NHS: Detector = {
  id: "uk_nhs",
  patterns: [
    namedNumber(`\\d{3}${GAP}?\\d{3}${GAP}?\\d{4}`, 10, { words: /\b(?:nhs|health service)\b/, check: isNhsNumber }),
  ],
};

const PPS_LETTERS = "WABCDEFGHIJKLMNOPQRSTUV";

/** Seven digits and a check letter, which since 2013 takes in a second letter. */
function isPps(code: string): boolean {
  const second = code.charAt(8);
  const sum = weightedSum(code, [8, 7, 6, 5, 4, 3, 2]) + (second === "" ? 0 : 9 * PPS_LETTERS.indexOf(second));
  return PPS_LETTERS.charAt(sum % 23) === code.charAt(7);
}

export const IE_PPS: Detector = {
  id: "ie_pps",
  patterns: [
    {
      over: "code",
      regex: whole("\\d{7}[A-W][A-IW]?", "gi"),
      digitsMin: 0,
      verify: (candidate) => isPps(candidate.matched.toUpperCase()),
    },
  ],
};

/** One of the first ten digits occurs two or three times, the others at most once; MOD 11,10. */
function isTaxId(digits: string): boolean {
  if (digits.startsWith("0") || !isMod11And10(digits)) return false;
  const counts = new Map<string, number>();
  for (const digit of digits.slice(0, 10)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  const repeated = [...counts.values()].filter((count) => count > 1);
  return repeated.length === 1 && (repeated[0] ?? 0) <= 3;
}

const TAX_ID_WORDS = /\b(?:steuer ?(?:liche |id|nr|nummer|identifikations)|steuer|id ?nr|tin|tax ?(?:id|number|no))/;

export const DE_TAX_ID: Detector = {
  id: "de_tax_id",
  patterns: [namedNumber(`\\d{2}${GAP}?\\d{3}${GAP}?\\d{3}${GAP}?\\d{3}`, 11, { words: TAX_ID_WORDS, check: isTaxId })],
};

/** Fifteen digits, of which the last two are 97 less the remainder of the rest; Corsica writes 2A and 2B. */
function isNir(candidate: Candidate): boolean {
  const code = candidate.matched.toUpperCase().replace(/[^0-9AB]/g, "");
  const digits = code.replace("2A", "19").replace("2B", "18");
  return 97 - remainder(digits.slice(0, 13), 97) === Number(digits.slice(13));
}

const NIR = `[1-478]${GAP}?\\d{2}${GAP}?(?:0[1-9]|1[0-2]|[2-9]\\d)${GAP}?`;
const NIR_END = `${GAP}?\\d{3}${GAP}?\\d{3}${GAP}?\\d{2}`;

export const FR_NIR: Detector = {
  id: "fr_nir",
  patterns: [
    { over: "number", regex: whole(`${NIR}\\d{2}${NIR_END}`), digitsMin: 15, verify: isNir },
    { over: "code", regex: whole(`${NIR}2[AB]${NIR_END}`, "gi"), digitsMin: 0, verify: isNir },
  ],
};

const DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";

/** The letter after eight digits is chosen by their remainder; a foreigner's X, Y or Z is 0, 1 or 2. */
function isDni(candidate: Candidate): boolean {
  const code = candidate.matched.toUpperCase().replace(/[^0-9A-Z]/g, "");
  const head = "XYZ".indexOf(code.charAt(0));
  const digits = head >= 0 ? head + code.slice(1, -1) : code.slice(0, -1);
  return DNI_LETTERS.charAt(remainder(digits, 23)) === code.slice(-1);
}

const DNI_WORDS = /\b(?:dni|nie|nif|identidad|documento)\b/;

export const ES_DNI: Detector = {
  id: "es_dni",
  patterns: [
    { over: "code", regex: whole(`\\d{8}${DASH}?[A-Z]`, "gi"), digitsMin: 0, verify: isDni },
    { over: "code", regex: whole(`\\d{2}\\.\\d{3}\\.\\d{3}${DASH}?[A-Z]`, "gi"), digitsMin: 0, verify: isDni },
    { over: "code", regex: whole(`[XYZ]${DASH}?\\d{7}${DASH}?[A-Z]`, "gi"), digitsMin: 0, verify: isDni },
    {
      over: "code",
      regex: whole(`(?:[XYZ]${SPACE}?\\d{7}|\\d{8})${SPACE}[A-Z]`, "gi"),
      digitsMin: 0,
      verify: (candidate) => isDni(candidate) && candidate.isNamed(DNI_WORDS),
    },
  ],
};

const isBsn = (digits: string): boolean =>
  weightedSum(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !isOneRepeated(digits);

const BSN_WORDS = /\b(?:bsn|burger ?service ?nummer|citizen service|sofi ?nummer)/;

export const NL_BSN: Detector = {
  id: "nl_bsn",
  patterns: [
    namedNumber(`\\d{3}${GAP}?\\d{3}${GAP}?\\d{3}|\\d{4}${GAP}\\d{2}${GAP}\\d{3}`, 9, {
      words: BSN_WORDS,
      check: isBsn,
    }),
  ],
};

/** Born since 2000, the number is checked with a 2 in front. */
function isBelgianNumber(digits: string): boolean {
  const check = Number(digits.slice(9));
  const isOfCentury = [digits.slice(0, 9), `2${digits.slice(0, 9)}`].some((body) => 97 - remainder(body, 97) === check);
  const month = Number(digits.slice(2, 4)) % 20;
  return isOfCentury && isDayOfYear(month, Number(digits.slice(4, 6)));
}

const BELGIAN_WORDS = /\b(?:rijks ?register|registre national|national (?:register|number)|niss|insz|nrn)/;

export const BE_NATIONAL_NUMBER: Detector = {
  id: "be_national_number",
  patterns: [
    knownNumber(`\\d{2}\\.\\d{2}\\.\\d{2}${DASH}\\d{3}\\.\\d{2}`, 11, isBelgianNumber),
    namedNumber(`\\d{2}${GAP}?\\d{2}${GAP}?\\d{2}${GAP}?\\d{3}${GAP}?\\d{2}`, 11, {
      words: BELGIAN_WORDS,
      check: isBelgianNumber,
    }),
  ],
};

/** The check digit of an EAN-13. */
function isAhv(digits: string): boolean {
  const sum = weightedSum(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
  return (10 - (sum % 10)) % 10 === digitAt(digits, 12);
}

const AHV_WORDS = /\b(?:ahv|avs|sozialversicherung|assurance sociale|social security|svnr)/;

export const CH_AHV: Detector = {
  id: "ch_ahv",
  patterns: [
    knownNumber("756\\.\\d{4}\\.\\d{4}\\.\\d{2}", 13, isAhv),
    namedNumber(`756${GAP}?${grouped([4, 4, 2], `${GAP}?`)}`, 13, { words: AHV_WORDS, check: isAhv }),
  ],
};
