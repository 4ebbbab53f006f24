import { EXPR_COMPARE_DEPTH_MAX } from "../limits.ts";
import {
  type CelMap,
  type CelValue,
  Duration,
  ExprError,
  isError,
  isList,
  mapGet,
  mapKeys,
  mapSize,
  noOverload,
  numeric,
  Timestamp,
  TypeName,
  typeOf,
} from "./values.ts";

/** Equality: numbers across their types, lists and maps by content; values of other types are simply not equal. */
export function equals(a: CelValue, b: CelValue, depth = 0): boolean | ExprError {
  if (a === b) return true;
  if (isError(a)) return a;
  if (isError(b)) return b;
  const numberA = numeric(a);
  const numberB = numeric(b);
  // biome-ignore lint/suspicious/noDoubleEquals: bigint and number compare by value only so.
  if (numberA !== undefined && numberB !== undefined) return numberA == numberB;
  const type = typeOf(a);
  if (type !== typeOf(b)) return false;
  if (depth > EXPR_COMPARE_DEPTH_MAX) return new ExprError("too deep to compare");
  if (isList(a) && isList(b)) return equalLists(a, b, depth);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b) === 0;
  if (a instanceof Timestamp && b instanceof Timestamp) return a.nanos === b.nanos;
  if (a instanceof Duration && b instanceof Duration) return a.nanos === b.nanos;
  if (a instanceof TypeName && b instanceof TypeName) return a.name === b.name;
  // Both are maps: every other type was handled above.
  return type === "map" ? equalMaps(a as CelMap, b as CelMap, depth) : false;
}

function equalLists(a: readonly CelValue[], b: readonly CelValue[], depth: number): boolean | ExprError {
  if (a.length !== b.length) return false;
  return allEqual(
    a.map((item, index) => [item, b[index] ?? null] as const),
    depth,
  );
}

function equalMaps(a: CelMap, b: CelMap, depth: number): boolean | ExprError {
  if (mapSize(a) !== mapSize(b)) return false;
  const pairs: [CelValue, CelValue][] = [];
  for (const key of mapKeys(a)) {
    const other = mapGet(b, key);
    if (other === undefined) return false;
    pairs.push([mapGet(a, key) ?? null, other]);
  }
  return allEqual(pairs, depth);
}

/** False beats an error: one pair that differs decides. */
function allEqual(pairs: readonly (readonly [CelValue, CelValue])[], depth: number): boolean | ExprError {
  let failed: ExprError | undefined;
  for (const [a, b] of pairs) {
    const equal = equals(a, b, depth + 1);
    if (equal === false) return false;
    if (equal !== true) failed ??= equal;
  }
  return failed ?? true;
}

/** Negative, zero or positive; NaN for unordered doubles; an error for types without an order. */
export function order(a: CelValue, b: CelValue): number | ExprError {
  const numberA = numeric(a);
  const numberB = numeric(b);
  if (numberA !== undefined && numberB !== undefined) {
    if (numberA < numberB) return -1;
    if (numberA > numberB) return 1;
    // biome-ignore lint/suspicious/noDoubleEquals: bigint and number compare by value only so.
    return numberA == numberB ? 0 : Number.NaN;
  }
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  if (a instanceof Timestamp && b instanceof Timestamp) return compareBig(a.nanos, b.nanos);
  if (a instanceof Duration && b instanceof Duration) return compareBig(a.nanos, b.nanos);
  return noOverload();
}

function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By code point, as the standard asks; JavaScript's own order is by code unit. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const codeA = a.charCodeAt(index);
    const codeB = b.charCodeAt(index);
    if (codeA === codeB) continue;
    const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
    if (isSurrogate(codeA) !== isSurrogate(codeB)) return isSurrogate(codeA) ? 1 : -1;
    return codeA - codeB;
  }
  return a.length - b.length;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
