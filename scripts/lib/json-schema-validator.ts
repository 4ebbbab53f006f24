import { isDeepStrictEqual } from "node:util";
import type { JsonSchema } from "./json-schema.ts";

/** Whether `value` is valid under `schema` (2020-12): the keywords that the generated schemas use, and an error for any other. */
export function isValid(schema: JsonSchema, value: unknown, root: JsonSchema = schema): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    if (ANNOTATIONS.has(keyword)) return true;
    const check = KEYWORDS.get(keyword);
    if (check === undefined) throw new Error(`the keyword ${keyword} is not checked here`);
    return check({ argument, value, schema, root });
  });
}

interface Check {
  readonly argument: unknown;
  readonly value: unknown;
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
}

const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$defs",
  "title",
  "description",
  "then",
  "else",
  "format",
]);

const KEYWORDS: ReadonlyMap<string, (check: Check) => boolean> = new Map<string, (check: Check) => boolean>([
  ["$ref", ({ argument, value, root }) => isValid(definition(root, String(argument)), value, root)],
  ["type", ({ argument, value }) => [argument].flat().some((type) => isOfType(String(type), value))],
  ["const", ({ argument, value }) => isDeepStrictEqual(argument, value)],
  ["enum", ({ argument, value }) => list(argument).some((option) => isDeepStrictEqual(option, value))],
  ["minimum", ({ argument, value }) => typeof value !== "number" || value >= Number(argument)],
  ["maximum", ({ argument, value }) => typeof value !== "number" || value <= Number(argument)],
  ["exclusiveMinimum", ({ argument, value }) => typeof value !== "number" || value > Number(argument)],
  ["minLength", ({ argument, value }) => typeof value !== "string" || value.length >= Number(argument)],
  ["maxLength", ({ argument, value }) => typeof value !== "string" || value.length <= Number(argument)],
  ["pattern", ({ argument, value }) => typeof value !== "string" || new RegExp(String(argument)).test(value)],
  ["minItems", ({ argument, value }) => !Array.isArray(value) || value.length >= Number(argument)],
  ["maxItems", ({ argument, value }) => !Array.isArray(value) || value.length <= Number(argument)],
  [
    "prefixItems",
    ({ argument, value, root }) => {
      return (
        !Array.isArray(value) ||
        list(argument).every((inner, i) => i >= value.length || isValid(inner as JsonSchema, value[i], root))
      );
    },
  ],
  [
    "items",
    ({ argument, value, schema, root }) => {
      const rest = Array.isArray(value) ? value.slice(list(schema["prefixItems"] ?? []).length) : [];
      return argument === false ? rest.length === 0 : rest.every((item) => isValid(argument as JsonSchema, item, root));
    },
  ],
  [
    "required",
    ({ argument, value }) => !isObject(value) || list(argument).every((key) => Object.hasOwn(value, String(key))),
  ],
  [
    "properties",
    ({ argument, value, root }) => {
      const properties = argument as Readonly<Record<string, JsonSchema>>;
      return Object.entries(isObject(value) ? value : {}).every(([key, inner]) => {
        const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
        return schema === undefined || isValid(schema, inner, root);
      });
    },
  ],
  [
    "additionalProperties",
    ({ argument, value, schema, root }) => {
      const extra = Object.entries(isObject(value) ? value : {}).filter(
        ([key]) => !Object.hasOwn(schema.properties ?? {}, key),
      );
      return argument === false
        ? extra.length === 0
        : extra.every(([, inner]) => isValid(argument as JsonSchema, inner, root));
    },
  ],
  [
    "propertyNames",
    ({ argument, value, root }) => {
      return !isObject(value) || Object.keys(value).every((key) => isValid(argument as JsonSchema, key, root));
    },
  ],
  ["anyOf", ({ argument, value, root }) => list(argument).some((inner) => isValid(inner as JsonSchema, value, root))],
  [
    "oneOf",
    ({ argument, value, root }) =>
      list(argument).filter((inner) => isValid(inner as JsonSchema, value, root)).length === 1,
  ],
  [
    "if",
    ({ argument, value, schema, root }) => {
      const branch = isValid(argument as JsonSchema, value, root) ? schema.then : schema.else;
      return branch === undefined || isValid(branch, value, root);
    },
  ],
]);

function definition(root: JsonSchema, ref: string): JsonSchema {
  const found = root.$defs?.[ref.replace(/^#\/\$defs\//, "")];
  if (found === undefined) throw new Error(`nothing is at ${ref}`);
  return found;
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "object":
      return isObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "null":
      return value === null;
    default:
      return typeof value === type;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
