import * as z from "zod";
import { show } from "./issue-message.ts";

/** A value that JSON can carry. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Levels of a JSON value: deeper ones are an attack or a bug. */
const DEPTH_MAX = 1_000;

/**
 * A JSON value, handed on as it is and never copied: a copy that leaves out what is odd, such as a key `__proto__`, would hide it from whoever
 * decides by the copy.
 */
export const jsonValueSchema: z.ZodType<JsonValue> = z.any().superRefine((value, context) => {
  const odd = findOdd(value, []);
  if (odd === undefined) return;
  const { path, what } = odd;
  context.addIssue({ code: "custom", path: [...path], message: what });
}) as z.ZodType<JsonValue>;
export const jsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), jsonValueSchema) as z.ZodType<JsonObject>;

/** A map of short strings, such as tags of a run or metadata of an actor. */
export const stringMapSchema: z.ZodRecord<z.ZodString, z.ZodString> = z.record(
  z.string().min(1).max(128),
  z.string().max(1024),
);

interface Odd {
  readonly path: readonly (string | number)[];
  readonly what: string;
}

/** The first part of a value that JSON cannot hold. */
function findOdd(value: unknown, path: readonly (string | number)[]): Odd | undefined {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return undefined;
  if (path.length >= DEPTH_MAX) return { path: [], what: `has more than ${DEPTH_MAX} levels` };
  if (Array.isArray(value)) return findFirst(value.entries(), path);
  if (isPlainObject(value)) return findFirst(Object.entries(value), path);
  const isMissing = value === undefined && path.length === 0;
  return { path, what: isMissing ? "is required; give plain JSON" : `must be plain JSON, not ${show(value)}` };
}

function findFirst(
  entries: Iterable<readonly [string | number, unknown]>,
  path: readonly (string | number)[],
): Odd | undefined {
  for (const [key, value] of entries) {
    // Most values are no containers: a path is made for those alone that are looked into.
    if (typeof value === "string" || typeof value === "boolean" || value === null) continue;
    const odd = findOdd(value, [...path, key]);
    if (odd !== undefined) return odd;
  }
  return undefined;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
