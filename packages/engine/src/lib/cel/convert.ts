import { toInt, toTimestamp, toUint } from "./arithmetic.ts";
import { parseDuration, parseTimestamp, printDuration, printTimestamp } from "./time.ts";
import {
  type CelValue,
  Duration,
  ExprError,
  isError,
  noOverload,
  Timestamp,
  TypeName,
  typeOf,
  Uint,
} from "./values.ts";

const RANGE = new ExprError("number out of range");
const NANOS_PER_SECOND = 1_000_000_000n;

/** `int(x)` and its like, by name. */
export const CONVERSIONS: Readonly<Record<string, (value: CelValue) => CelValue>> = {
  int: toIntValue,
  uint: toUintValue,
  double: toDoubleValue,
  string: toText,
  bool: toBool,
  bytes: (value) => (typeof value === "string" ? new TextEncoder().encode(value) : pass(value, "bytes")),
  timestamp: (value) => {
    if (typeof value === "string") return parseTimestamp(value);
    return typeof value === "bigint" ? toTimestamp(value * NANOS_PER_SECOND) : pass(value, "google.protobuf.Timestamp");
  },
  duration: (value) => (typeof value === "string" ? parseDuration(value) : pass(value, "google.protobuf.Duration")),
  type: (value) => (isError(value) ? value : new TypeName(typeOf(value))),
  dyn: (value) => value,
};

function pass(value: CelValue, type: string): CelValue {
  return isError(value) || typeOf(value) === type ? value : noOverload();
}

function toIntValue(value: CelValue): CelValue {
  if (typeof value === "number") return fromDouble(value, toInt, { above: -(2 ** 63), below: 2 ** 63 });
  if (value instanceof Uint) return toInt(value.value);
  if (value instanceof Timestamp) return floorDivide(value.nanos, NANOS_PER_SECOND);
  if (typeof value === "string")
    return /^[+-]?\d{1,20}$/.test(value) ? toInt(BigInt(value)) : new ExprError("not an int");
  return pass(value, "int");
}

function toUintValue(value: CelValue): CelValue {
  if (typeof value === "number") return fromDouble(value, toUint, { above: -1, below: 2 ** 64 });
  if (typeof value === "bigint") return toUint(value);
  if (typeof value === "string") return /^\d{1,20}$/.test(value) ? toUint(BigInt(value)) : new ExprError("not a uint");
  return pass(value, "uint");
}

function fromDouble(
  value: number,
  to: (whole: bigint) => CelValue,
  { above, below }: { readonly above: number; readonly below: number },
): CelValue {
  return value > above && value < below ? to(BigInt(Math.trunc(value))) : RANGE;
}

function toDoubleValue(value: CelValue): CelValue {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value !== "string") return pass(value, "double");
  if (/^[+-]?(NaN|Infinity|inf)$/i.test(value))
    return /nan/i.test(value) ? Number.NaN : Infinity * (value[0] === "-" ? -1 : 1);
  return value.trim() === value && value !== "" && !Number.isNaN(Number(value))
    ? Number(value)
    : new ExprError("not a double");
}

function toText(value: CelValue): CelValue {
  if (typeof value === "boolean" || typeof value === "number" || typeof value === "bigint") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return printTimestamp(value);
  if (value instanceof Duration) return printDuration(value);
  if (!(value instanceof Uint8Array)) return pass(value, "string");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    return new ExprError("bytes are not UTF-8 text");
  }
}

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

function toBool(value: CelValue): CelValue {
  if (typeof value !== "string") return pass(value, "bool");
  if (TRUE.has(value)) return true;
  return FALSE.has(value) ? false : new ExprError("not a bool");
}

function floorDivide(value: bigint, by: bigint): bigint {
  const rest = ((value % by) + by) % by;
  return (value - rest) / by;
}
