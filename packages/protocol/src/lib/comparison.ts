import * as z from "zod";
import { globSchema } from "./glob.ts";

const text = z.string().max(16_384);
const size = z.int().min(0);
const ignoreCase = z.boolean().optional();

/** A typed operator and its operand. The value read must have the type named, or the condition is unknown. */
export type Comparison = NumberComparison | StringComparison | BooleanComparison | ArrayComparison | PresenceComparison;

/** Compares a value that must be a finite number. */
export type NumberComparison =
  | { readonly type: "number"; readonly op: "eq" | "neq" | "gt" | "gte" | "lt" | "lte"; readonly value: number }
  | { readonly type: "number"; readonly op: "in" | "notIn"; readonly value: readonly number[] };

/**
 * Compares a value that must be text. `matches` searches for a regular expression (RE2 syntax, linear time) anywhere in
 * it; `longerThan` and `shorterThan` count UTF-16 code units; `ignoreCase` (default false) folds case first.
 */
export type StringComparison =
  | {
      readonly type: "string";
      readonly op: "eq" | "neq" | "contains" | "notContains" | "startsWith" | "endsWith" | "matches";
      readonly value: string;
      readonly ignoreCase?: boolean | undefined;
    }
  | {
      readonly type: "string";
      readonly op: "in" | "notIn";
      readonly value: readonly string[];
      readonly ignoreCase?: boolean | undefined;
    }
  | {
      readonly type: "string";
      readonly op: "glob";
      readonly value: string | readonly string[];
      readonly ignoreCase?: boolean | undefined;
    }
  | { readonly type: "string"; readonly op: "longerThan" | "shorterThan"; readonly value: number };

/** Compares a value that must be true or false. */
export type BooleanComparison = { readonly type: "boolean"; readonly op: "eq" | "neq"; readonly value: boolean };

/** Compares a value that must be a list: what it holds, or how many elements. */
export type ArrayComparison =
  | {
      readonly type: "array";
      readonly op: "contains" | "notContains";
      readonly value: string | number | boolean;
    }
  | { readonly type: "array"; readonly op: "longerThan" | "shorterThan"; readonly value: number };

/** Asks only whether there is a value; `null` counts as absent. */
export type PresenceComparison = { readonly type: "any"; readonly op: "exists" | "absent" };

const stringType = z.literal("string");

/** The fields of each kind of text comparison, with their `op`. */
const stringComparisonShapes = [
  {
    op: z.enum(["eq", "neq", "contains", "notContains", "startsWith", "endsWith"]),
    value: text,
    ignoreCase,
  },
  { op: z.enum(["in", "notIn"]), value: z.array(text).min(1).max(1024), ignoreCase },
  { op: z.literal("glob"), value: z.union([globSchema, z.array(globSchema).min(1).max(256)]), ignoreCase },
  { op: z.literal("matches"), value: z.string().min(1).max(1000), ignoreCase },
  { op: z.enum(["longerThan", "shorterThan"]), value: size },
] as const;

/** The schema of a leaf that has `base`'s fields and one typed comparison beside them. */
export function comparing<B extends z.core.$ZodLooseShape>(base: B) {
  const number = z.literal("number");
  const array = z.literal("array");
  return z.discriminatedUnion("type", [
    z.discriminatedUnion("op", [
      z.strictObject({ ...base, type: number, op: z.enum(["eq", "neq", "gt", "gte", "lt", "lte"]), value: z.number() }),
      z.strictObject({
        ...base,
        type: number,
        op: z.enum(["in", "notIn"]),
        value: z.array(z.number()).min(1).max(1024),
      }),
    ]),
    z.discriminatedUnion("op", [
      z.strictObject({ ...base, type: stringType, ...stringComparisonShapes[0] }),
      z.strictObject({ ...base, type: stringType, ...stringComparisonShapes[1] }),
      z.strictObject({ ...base, type: stringType, ...stringComparisonShapes[2] }),
      z.strictObject({ ...base, type: stringType, ...stringComparisonShapes[3] }),
      z.strictObject({ ...base, type: stringType, ...stringComparisonShapes[4] }),
    ]),
    z.strictObject({ ...base, type: z.literal("boolean"), op: z.enum(["eq", "neq"]), value: z.boolean() }),
    z.discriminatedUnion("op", [
      z.strictObject({
        ...base,
        type: array,
        op: z.enum(["contains", "notContains"]),
        value: z.union([text, z.number(), z.boolean()]),
      }),
      z.strictObject({ ...base, type: array, op: z.enum(["longerThan", "shorterThan"]), value: size }),
    ]),
    z.strictObject({ ...base, type: z.literal("any"), op: z.enum(["exists", "absent"]) }),
  ]);
}

/** The schema of a leaf whose value is always text: `base`'s fields and one text comparison, without `type`. */
export function comparingText<B extends z.core.$ZodLooseShape>(base: B) {
  return z.discriminatedUnion("op", [
    z.strictObject({ ...base, ...stringComparisonShapes[0] }),
    z.strictObject({ ...base, ...stringComparisonShapes[1] }),
    z.strictObject({ ...base, ...stringComparisonShapes[2] }),
    z.strictObject({ ...base, ...stringComparisonShapes[3] }),
    z.strictObject({ ...base, ...stringComparisonShapes[4] }),
    z.strictObject({ ...base, op: z.enum(["exists", "absent"]) }),
  ]);
}

/** A text comparison of a leaf whose value is always text. */
export type TextComparison =
  | (StringComparison extends infer S ? (S extends unknown ? Omit<S, "type"> : never) : never)
  | { readonly op: "exists" | "absent" };
