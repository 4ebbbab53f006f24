import type { Candidate } from "./candidate.ts";
import type { Detector, Pattern } from "./detector.ts";
import { isWhole, SPACE, whole } from "./number-pattern.ts";

/** Assigned country codes of ITU-T E.164; a code that starts with another is not one. */
const CALLING_CODES: ReadonlySet<string> = new Set(
  (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 " +
    "90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 " +
    "238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 " +
    "267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 " +
    "381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 " +
    "598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 " +
    "855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 " +
    "992 993 994 995 996 998"
  ).split(" "),
);

const INTERNATIONAL_DIGITS_MIN = 8;
const INTERNATIONAL_DIGITS_MAX = 15;
const NATIONAL_DIGITS_MIN = 9;
const NATIONAL_DIGITS_MAX = 12;

const SEPARATORS = "[ .\\-/()\\u00a0\\u2007-\\u2015\\u202f\\u2212]{0,3}";
const WORDS =
  /\b(?:tele)?(?:phones?|fono)\b|\bt[e\u00e9]l[e\u00e9]phone\b|\b(?:cell ?phone|mobile ?phone|tel|t[e\u00e9]l|mob|mobile|cell|fax|sms|whats ?app|msisdn|telefon|telefonnummer|telefax|handy|handynummer|rufnummer|mobiel|movil|m\u00f3vil|celular|portable)\b|\u7535\u8bdd|\u96fb\u8a71/;
const DATE = /^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)/;

/** Written with its country code. */
function isInternational(candidate: Candidate): boolean {
  const digits = candidate.digits.replace(/^00/, "");
  if (digits.length < INTERNATIONAL_DIGITS_MIN || digits.length > INTERNATIONAL_DIGITS_MAX) return false;
  return [1, 2, 3].some((length) => CALLING_CODES.has(digits.slice(0, length)));
}

/** Written with the trunk prefix, a zero. */
function isNational(candidate: Candidate): boolean {
  const count = candidate.digits.length;
  return count >= NATIONAL_DIGITS_MIN && count <= NATIONAL_DIGITS_MAX && isWhole(candidate);
}

const isNamedPhone = (candidate: Candidate): boolean => !DATE.test(candidate.matched) && candidate.isNamed(WORDS);

const number = (source: string, digitsMin: number, verify: (candidate: Candidate) => boolean): Pattern => ({
  over: "number",
  regex: new RegExp(source, "g"),
  digitsMin,
  verify,
});

const EXCHANGE = "[2-9]\\d{2}";
const NOT_BEFORE = "(?<![A-Za-z0-9+])";

export const PHONE: Detector = {
  id: "phone",
  patterns: [
    number(`${NOT_BEFORE}\\+1(?:${SEPARATORS}\\d){10}(?![A-Za-z0-9])`, 11, () => true),
    number(`${NOT_BEFORE}\\+[2-9](?:${SEPARATORS}\\d){7,14}(?![A-Za-z0-9])`, INTERNATIONAL_DIGITS_MIN, isInternational),
    number(
      `${NOT_BEFORE}00[1-9]\\d{0,2}(?:${SPACE}\\d{1,8}){1,5}(?![A-Za-z0-9])`,
      10,
      (c) => isInternational(c) && isWhole(c),
    ),
    number(`${NOT_BEFORE}(?:1[ .-])?\\(${EXCHANGE}\\)[ .-]{0,2}${EXCHANGE}[ .-]?\\d{4}(?![A-Za-z0-9])`, 10, () => true),
    number(`${NOT_BEFORE}(?:1[.-])?${EXCHANGE}([.-])${EXCHANGE}\\1\\d{4}(?![A-Za-z0-9])`, 10, isWhole),
    { over: "number", regex: whole(`0[1-9](?:[ .-]\\d{2}){4}`), digitsMin: 10, verify: isNational },
    number(`${NOT_BEFORE}\\(0[1-9]\\d{0,4}\\)[ /-]{0,2}\\d{3,4}[ -]?\\d{3,5}(?![A-Za-z0-9])`, 9, isNational),
    { over: "number", regex: whole(`0[1-9]\\d{1,3}[ /-]\\d{3,4}[ -]\\d{3,4}`), digitsMin: 9, verify: isNational },
    { over: "number", regex: whole(`0[1-9]\\d{1,3}[ /]\\d{6,8}`), digitsMin: 9, verify: isNational },
    number(`${NOT_BEFORE}\\+?\\(?\\d(?:${SEPARATORS}\\d){6,14}(?![A-Za-z0-9])`, 7, isNamedPhone),
  ],
};
