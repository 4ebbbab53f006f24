import * as z from "zod";

/** A value that JSON can carry. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export const jsonValueSchema: z.ZodType<JsonValue> = z.json() as z.ZodType<JsonValue>;
export const jsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), z.json()) as z.ZodType<JsonObject>;

/** A map of short strings, such as tags of a run or metadata of an actor. */
export const stringMapSchema: z.ZodRecord<z.ZodString, z.ZodString> = z.record(
  z.string().min(1).max(128),
  z.string().max(1024),
);
