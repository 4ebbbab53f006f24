import { EXPR_LIST_LENGTH_MAX, TEXT_LENGTH_MAX } from "../limits.ts";
import { type CelValue, Duration, ExprError, isError, isList, noOverload, Timestamp, Uint } from "./values.ts";

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;
const TIME_MIN = -62_135_596_800_000_000_000n;
const TIME_MAX = 253_402_300_799_999_999_999n;
const OVERFLOW = new ExprError("integer overflow");
const DIVIDED_BY_ZERO = new ExprError("division by zero");

export function toInt(value: bigint): bigint | ExprError {
  return value >= INT_MIN && value <= INT_MAX ? value : OVERFLOW;
}

export function toUint(value: bigint): Uint | ExprError {
  return value >= 0n && value <= UINT_MAX ? new Uint(value) : OVERFLOW;
}

export function toTimestamp(nanos: bigint): Timestamp | ExprError {
  return nanos >= TIME_MIN && nanos <= TIME_MAX ? new Timestamp(nanos) : new ExprError("timestamp out of range");
}

export function toDuration(nanos: bigint): Duration | ExprError {
  return nanos >= INT_MIN && nanos <= INT_MAX ? new Duration(nanos) : new ExprError("duration out of range");
}

export function add(a: CelValue, b: CelValue): CelValue {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (typeof a === "bigint" && typeof b === "bigint") return toInt(a + b);
  if (typeof a === "string" && typeof b === "string") {
    return a.length + b.length > TEXT_LENGTH_MAX ? new ExprError("text too long") : a + b;
  }
  if (a instanceof Uint && b instanceof Uint) return toUint(a.value + b.value);
  if (isList(a) && isList(b)) {
    return a.length + b.length > EXPR_LIST_LENGTH_MAX ? new ExprError("list too long") : [...a, ...b];
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return concatBytes(a, b);
  if (a instanceof Timestamp && b instanceof Duration) return toTimestamp(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Timestamp) return toTimestamp(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Duration) return toDuration(a.nanos + b.nanos);
  return failed(a, b);
}

export function subtract(a: CelValue, b: CelValue): CelValue {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "bigint" && typeof b === "bigint") return toInt(a - b);
  if (a instanceof Uint && b instanceof Uint) return toUint(a.value - b.value);
  if (a instanceof Timestamp && b instanceof Timestamp) return toDuration(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return toTimestamp(a.nanos - b.nanos);
  if (a instanceof Duration && b instanceof Duration) return toDuration(a.nanos - b.nanos);
  return failed(a, b);
}

export function multiply(a: CelValue, b: CelValue): CelValue {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (typeof a === "bigint" && typeof b === "bigint") return toInt(a * b);
  if (a instanceof Uint && b instanceof Uint) return toUint(a.value * b.value);
  return failed(a, b);
}

export function divide(a: CelValue, b: CelValue): CelValue {
  if (typeof a === "number" && typeof b === "number") return a / b;
  if (typeof a === "bigint" && typeof b === "bigint") return b === 0n ? DIVIDED_BY_ZERO : toInt(a / b);
  if (a instanceof Uint && b instanceof Uint) return b.value === 0n ? DIVIDED_BY_ZERO : toUint(a.value / b.value);
  return failed(a, b);
}

export function remainder(a: CelValue, b: CelValue): CelValue {
  if (typeof a === "bigint" && typeof b === "bigint") return b === 0n ? DIVIDED_BY_ZERO : toInt(a % b);
  if (a instanceof Uint && b instanceof Uint) return b.value === 0n ? DIVIDED_BY_ZERO : toUint(a.value % b.value);
  return failed(a, b);
}

export function negate(a: CelValue): CelValue {
  if (typeof a === "number") return -a;
  if (typeof a === "bigint") return toInt(-a);
  if (a instanceof Duration) return toDuration(-a.nanos);
  return isError(a) ? a : noOverload();
}

function failed(a: CelValue, b: CelValue): ExprError {
  if (isError(a)) return a;
  return isError(b) ? b : noOverload();
}

function concatBytes(a: Uint8Array, b: Uint8Array): CelValue {
  if (a.length + b.length > TEXT_LENGTH_MAX) return new ExprError("bytes too long");
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
