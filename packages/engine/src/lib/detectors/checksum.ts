/** The digit at a position, 0 past the end. */
export function digitAt(digits: string, position: number): number {
  const digit = digits.charCodeAt(position) - 48;
  return digit >= 0 && digit <= 9 ? digit : 0;
}

/** The sum of each leading digit times its weight. */
export function weightedSum(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, position) => sum + weight * digitAt(digits, position), 0);
}

/** Remainder of a decimal number of any length. */
export function remainder(digits: string, divisor: number): number {
  let rest = 0;
  for (let i = 0; i < digits.length; i++) rest = (rest * 10 + digitAt(digits, i)) % divisor;
  return rest;
}

/** Whether all characters are the same, which passes many check digits and is never issued. */
export function isOneRepeated(digits: string): boolean {
  return digits === digits.charAt(0).repeat(digits.length);
}

/** Whether a string of digits ends in its ISO 7064 MOD 11,10 check digit. */
export function isMod11And10(digits: string): boolean {
  let product = 10;
  for (let i = 0; i < digits.length - 1; i++) {
    const sum = (digitAt(digits, i) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return digitAt(digits, digits.length - 1) === (11 - product) % 10;
}

const VERHOEFF_PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** Product in the dihedral group of order ten. */
function dihedral(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b) % 5) + 5;
  return b < 5 ? ((a - b) % 5) + 5 : (a - b + 5) % 5;
}

/** Whether a string of digits ends in its Verhoeff check digit. */
export function isVerhoeff(digits: string): boolean {
  let check = 0;
  for (let position = 0; position < digits.length; position++) {
    let digit = digitAt(digits, digits.length - 1 - position);
    for (let turn = 0; turn < position % 8; turn++) digit = VERHOEFF_PERMUTATION[digit] ?? 0;
    check = dihedral(check, digit);
  }
  return check === 0;
}

const MONTH_LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether a month (1 to 12) has such a day in some year. */
export function isDayOfYear(month: number, day: number): boolean {
  const length = MONTH_LENGTHS[month - 1];
  return length !== undefined && day >= 1 && day <= length;
}

/** Whether `YYMMDD` at this position is a date. */
export function hasDate(digits: string, position: number): boolean {
  return isDayOfYear(
    Number(digits.slice(position + 2, position + 4)),
    Number(digits.slice(position + 4, position + 6)),
  );
}
