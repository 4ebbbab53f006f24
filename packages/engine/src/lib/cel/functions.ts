import type { RegexCache } from "../regex.ts";
import type { TimeZones } from "../time-zone.ts";
import { add, divide, multiply, negate, remainder, subtract } from "./arithmetic.ts";
import { equals, order } from "./compare.ts";
import { CONVERSIONS } from "./convert.ts";
import { durationField, TIME_FIELD_NAMES, timeField } from "./time.ts";
import {
  type CelValue,
  Duration,
  ExprError,
  isError,
  isList,
  isMap,
  mapGet,
  mapSize,
  noOverload,
  numeric,
  Timestamp,
} from "./values.ts";

/** What functions of an expression may ask beside their arguments. */
export interface FunctionHost {
  readonly regexes: RegexCache;
  readonly zones: TimeZones;
}

/** A function of values; the target of a method call is its first argument. Errors among the arguments are its answer. */
export type ExprFunction = (args: readonly CelValue[], host: FunctionHost) => CelValue;

const compareWith =
  (holds: (sign: number) => boolean): ExprFunction =>
  ([a, b]) => {
    const sign = order(a ?? null, b ?? null);
    return typeof sign === "number" ? holds(sign) : sign;
  };

const ofTexts =
  (answer: (text: string, other: string) => CelValue): ExprFunction =>
  ([text, other]) =>
    typeof text === "string" && typeof other === "string" ? answer(text, other) : noOverload();

const binary =
  (operate: (a: CelValue, b: CelValue) => CelValue): ExprFunction =>
  ([a, b]) =>
    operate(a ?? null, b ?? null);

const conversions = Object.entries(CONVERSIONS).map(
  ([name, convert]) => [name, ([value]: readonly CelValue[]) => convert(value ?? null)] as const,
);

const timeFields = TIME_FIELD_NAMES.map(
  (name) =>
    [
      name,
      ([of, zone]: readonly CelValue[], host: FunctionHost): CelValue => {
        if (of instanceof Timestamp) return timeField(name, of, { zone, zones: host.zones });
        return of instanceof Duration && zone === undefined ? durationField(name, of) : noOverload();
      },
    ] as const,
);

/** Every strict function and operator, by its canonical name, with how many arguments it takes. */
export const FUNCTIONS: ReadonlyMap<string, { readonly arity: readonly number[]; readonly run: ExprFunction }> =
  new Map(
    [
      ["_==_", [2], binary(equals)],
      ["_!=_", [2], binary((a, b) => negateBool(equals(a, b)))],
      ["_<_", [2], compareWith((sign) => sign < 0)],
      ["_<=_", [2], compareWith((sign) => sign <= 0)],
      ["_>_", [2], compareWith((sign) => sign > 0)],
      ["_>=_", [2], compareWith((sign) => sign >= 0)],
      ["_+_", [2], binary(add)],
      ["_-_", [2], binary(subtract)],
      ["_*_", [2], binary(multiply)],
      ["_/_", [2], binary(divide)],
      ["_%_", [2], binary(remainder)],
      ["-_", [1], ([value]: readonly CelValue[]) => negate(value ?? null)],
      ["!_", [1], ([value]: readonly CelValue[]) => (typeof value === "boolean" ? !value : noOverload())],
      ["_[_]", [2], binary(at)],
      ["@in", [2], binary(isIn)],
      ["size", [1], ([value]: readonly CelValue[]) => sizeOf(value ?? null)],
      ["contains", [2], ofTexts((text, part) => text.includes(part))],
      ["startsWith", [2], ofTexts((text, part) => text.startsWith(part))],
      ["endsWith", [2], ofTexts((text, part) => text.endsWith(part))],
      ["lowerAscii", [1], ([text]: readonly CelValue[]) => ascii(text ?? null, "lower")],
      ["upperAscii", [1], ([text]: readonly CelValue[]) => ascii(text ?? null, "upper")],
      ["trim", [1], ([text]: readonly CelValue[]) => (typeof text === "string" ? text.trim() : noOverload())],
      ["matches", [2], matches],
      ...timeFields.map(([name, run]) => [name, [1, 2], run] as const),
      ...conversions.map(([name, run]) => [name, [1], run] as const),
    ].map(([name, arity, run]) => [name as string, { arity: arity as readonly number[], run: run as ExprFunction }]),
  );

function negateBool(value: boolean | ExprError): CelValue {
  return typeof value === "boolean" ? !value : value;
}

function at(of: CelValue, key: CelValue): CelValue {
  if (isList(of)) {
    const index = Number(numeric(key));
    if (!Number.isInteger(index)) return noOverload();
    const item = of[index];
    return item === undefined ? new ExprError("index out of bounds") : item;
  }
  if (!isMap(of)) return noOverload();
  const value = mapGet(of, key);
  return value === undefined ? new ExprError("no such key") : value;
}

function isIn(value: CelValue, among: CelValue): CelValue {
  if (isMap(among)) return mapGet(among, value) !== undefined;
  if (!isList(among)) return noOverload();
  let failed: ExprError | undefined;
  for (const item of among) {
    const equal = equals(item, value);
    if (equal === true) return true;
    if (isError(equal)) failed ??= equal;
  }
  return failed ?? false;
}

function sizeOf(value: CelValue): CelValue {
  // In code points, as the standard counts.
  if (typeof value === "string") return BigInt([...value].length);
  if (value instanceof Uint8Array || isList(value)) return BigInt(value.length);
  return isMap(value) ? BigInt(mapSize(value)) : noOverload();
}

function ascii(value: CelValue, to: "lower" | "upper"): CelValue {
  if (typeof value !== "string") return noOverload();
  return to === "lower"
    ? value.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    : value.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

function matches([text, pattern]: readonly CelValue[], host: FunctionHost): CelValue {
  if (typeof text !== "string" || typeof pattern !== "string") return noOverload();
  try {
    return host.regexes.compile(pattern).test(text) ?? new ExprError("text too long to search");
  } catch {
    return new ExprError("bad regular expression");
  }
}
