/**
 * How CEL values are held: null, booleans, text and doubles (`number`) as themselves, `int` as `bigint`, lists as arrays, maps
 * as plain objects (from JSON) or `Map` (from map literals), and the rest in the classes below. An error is a value too.
 */
export type CelValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | TypeName
  | ExprError
  | readonly CelValue[]
  | CelMap;

/** Maps: JSON objects, and literals whose keys may be other than text. */
export type CelMap = ReadonlyMap<CelKey, CelValue> | { readonly [key: string]: CelValue };
export type CelKey = string | boolean | bigint;

/** An evaluation that came to nothing; `reason` is for explanations and never holds a value. */
export class ExprError {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since the epoch. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** Nanoseconds. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value, such as `type(1)` gives. */
export class TypeName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export type CelType =
  | "null_type"
  | "bool"
  | "string"
  | "double"
  | "int"
  | "uint"
  | "bytes"
  | "google.protobuf.Timestamp"
  | "google.protobuf.Duration"
  | "type"
  | "list"
  | "map"
  | "error";

export function typeOf(value: CelValue): CelType {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "number":
      return "double";
    case "bigint":
      return "int";
    default:
      return typeOfObject(value);
  }
}

function typeOfObject(value: object): CelType {
  if (Array.isArray(value)) return "list";
  if (value instanceof Uint) return "uint";
  if (value instanceof ExprError) return "error";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof TypeName) return "type";
  return "map";
}

export function isError(value: CelValue): value is ExprError {
  return value instanceof ExprError;
}

export function isList(value: CelValue): value is readonly CelValue[] {
  return Array.isArray(value);
}

export function isMap(value: CelValue): value is CelMap {
  return typeOf(value) === "map";
}

/** A number of any of the three number types, as something that compares across them; `undefined` for anything else. */
export function numeric(value: CelValue): number | bigint | undefined {
  if (typeof value === "number" || typeof value === "bigint") return value;
  return value instanceof Uint ? value.value : undefined;
}

const NO_OVERLOAD = new ExprError("no such overload");
export function noOverload(): ExprError {
  return NO_OVERLOAD;
}

export function mapSize(map: CelMap): number {
  return map instanceof Map ? map.size : Object.keys(map).length;
}

export function mapKeys(map: CelMap): readonly CelKey[] {
  return map instanceof Map ? [...map.keys()] : Object.keys(map);
}

/** The value of a key, own properties only; `undefined` where there is none. */
export function mapGet(map: CelMap, key: CelValue): CelValue | undefined {
  const found = normalKey(key);
  if (found === undefined) return undefined;
  if (map instanceof Map) return map.get(found);
  if (typeof found !== "string" || !Object.hasOwn(map, found)) return undefined;
  // A Map was handled above; the rest of the union is a plain object.
  return (map as { readonly [key: string]: CelValue })[found];
}

/** The form under which a key is stored: numbers of any type that are whole are one key. */
export function normalKey(key: CelValue): CelKey | undefined {
  if (typeof key === "string" || typeof key === "boolean" || typeof key === "bigint") return key;
  if (key instanceof Uint) return key.value;
  return typeof key === "number" && Number.isInteger(key) ? BigInt(key) : undefined;
}
