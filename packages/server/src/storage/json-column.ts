import type { JsonValue } from "@handlebar/protocol";

/** Text of a JSON column. */
export function toJson(value: unknown): string {
  return JSON.stringify(value);
}

/** Reads a JSON column back as what was written there: only `toJson` of a `T` stands in the column of a `T`. */
export function fromJson<T>(text: string): T {
  return JSON.parse(text) as T;
}

export function toJsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function fromJsonOrNull<T>(text: string | null): T | undefined {
  return text === null ? undefined : fromJson<T>(text);
}

/** A value as it comes back from a JSON column, to compare it with one. */
export function asJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
