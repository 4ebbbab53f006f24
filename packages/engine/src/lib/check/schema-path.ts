import type { JsonObject, JsonValue } from "@handlebar/protocol";
import { isElementName, type Path, type PathStep } from "../path.ts";

export type SchemaType = "string" | "number" | "boolean" | "array" | "object" | "null";

/** What a JSON Schema says of the values at a path. */
export interface SchemaReading {
  /** Nothing can stand there. */
  readonly isUnknown: boolean;
  /** The types it may have; absent allows any. */
  readonly types: ReadonlySet<SchemaType> | undefined;
  /** The only values it may have, where the schema lists them. */
  readonly values: readonly JsonValue[] | undefined;
  /** Where a name is not found: it, and the names there are. */
  readonly missing: { readonly name: string; readonly names: readonly string[] } | undefined;
}

/** Schemas that are looked at for one path: unions of unions grow fast. */
const SCHEMA_COUNT_MAX = 1_000;
/** References followed one after the other. */
const REFERENCE_COUNT_MAX = 16;

const ANYTHING: SchemaReading = { isUnknown: false, types: undefined, values: undefined, missing: undefined };

/** Reads what a JSON Schema says of the values at a path. What it does not say, or says in ways not read here, is anything. */
export function readSchemaPath(schema: JsonValue, path: Path): SchemaReading {
  return new SchemaReader(schema).read(path);
}

class SchemaReader {
  readonly #root: JsonValue;
  #schemaCount = 0;

  constructor(root: JsonValue) {
    this.#root = root;
  }

  read(path: Path): SchemaReading {
    let schemas = this.#alternatives(this.#root, 0);
    for (const step of path) {
      if (schemas === undefined || step.kind === "leaves") return ANYTHING;
      const next: JsonValue[] = [];
      for (const schema of schemas) {
        const found = childrenOf(schema, step);
        if (found === undefined) return ANYTHING;
        next.push(...found);
      }
      if (next.length === 0)
        return { isUnknown: true, types: undefined, values: undefined, missing: missingOf(schemas, step) };
      schemas = this.#all(next);
    }
    return schemas === undefined ? ANYTHING : describe(schemas);
  }

  #all(schemas: readonly JsonValue[]): readonly JsonObject[] | undefined {
    const all: JsonObject[] = [];
    for (const schema of schemas) {
      const alternatives = this.#alternatives(schema, 0);
      if (alternatives === undefined) return undefined;
      all.push(...alternatives);
    }
    return all;
  }

  /** The plain schemas of which a value fits one; `undefined` when that cannot be said. */
  #alternatives(schema: JsonValue, referenceCount: number): readonly JsonObject[] | undefined {
    this.#schemaCount += 1;
    if (this.#schemaCount > SCHEMA_COUNT_MAX || referenceCount > REFERENCE_COUNT_MAX || !isObject(schema))
      return undefined;
    const { $ref: reference, anyOf, oneOf, allOf } = schema;
    if (typeof reference === "string") {
      const target = this.#follow(reference);
      return target === undefined ? undefined : this.#alternatives(target, referenceCount + 1);
    }
    if (schema["$dynamicRef"] !== undefined || schema["if"] !== undefined) return undefined;
    const union = isList(anyOf) ? anyOf : isList(oneOf) ? oneOf : undefined;
    if (isList(allOf)) return this.#joined([...allOf, { ...schema, allOf: null }], referenceCount + 1);
    if (union === undefined) return [schema];
    if (schema["properties"] !== undefined) return undefined;
    const all: JsonObject[] = [];
    for (const one of union) {
      const alternatives = this.#alternatives(one, referenceCount + 1);
      if (alternatives === undefined) return undefined;
      all.push(...alternatives);
    }
    return all;
  }

  /** Parts that must all fit, as one schema; only what objects are commonly put together from. */
  #joined(parts: readonly JsonValue[], referenceCount: number): readonly JsonObject[] | undefined {
    let properties: JsonObject = {};
    let rest: JsonObject = {};
    for (const part of parts) {
      const alternatives = this.#alternatives(part, referenceCount);
      const [only] = alternatives ?? [];
      if (alternatives?.length !== 1 || only === undefined) return undefined;
      const own = only["properties"];
      if (own !== undefined && isObject(own)) properties = { ...properties, ...own };
      rest = { ...rest, ...only };
    }
    return [Object.keys(properties).length === 0 ? rest : { ...rest, properties }];
  }

  #follow(reference: string): JsonValue | undefined {
    if (!reference.startsWith("#")) return undefined;
    let at: JsonValue | undefined = this.#root;
    for (const part of reference.slice(1).split("/").slice(1)) {
      const name = decodePart(part);
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
      at = (at as JsonObject)[name];
    }
    return at;
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return part;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The schemas of what a step leads to: none when nothing can be there, `undefined` when anything can. */
function childrenOf(schema: JsonObject, step: PathStep): readonly JsonValue[] | undefined {
  const types = typesOf(schema);
  const canBeObject = types === undefined || types.has("object");
  const canBeList = types === undefined || types.has("array");
  const says =
    schema["properties"] !== undefined || schema["items"] !== undefined || schema["prefixItems"] !== undefined;
  if (types === undefined && !says) return undefined;
  const found: JsonValue[] = [];
  if (canBeObject && (step.kind === "key" || step.kind === "any")) {
    const properties = propertiesFor(schema, step.kind === "key" ? step.name : undefined);
    if (properties === undefined) return undefined;
    found.push(...properties);
  }
  const isElement = step.kind !== "key" || isElementName(step.name);
  if (
    canBeList &&
    isElement &&
    (types !== undefined || schema["items"] !== undefined || schema["prefixItems"] !== undefined)
  ) {
    const { items, prefixItems } = schema;
    const first = isList(prefixItems) ? prefixItems : isList(items) ? items : [];
    found.push(...first);
    if (items === undefined && first.length === 0) return undefined;
    if (isObject(items)) found.push(items);
    if (items === true) return undefined;
  }
  return found;
}

function propertiesFor(schema: JsonObject, name: string | undefined): readonly JsonValue[] | undefined {
  const { properties, patternProperties, additionalProperties } = schema;
  const own = isObject(properties) ? properties : {};
  if (name !== undefined && Object.hasOwn(own, name)) return [own[name] ?? true];
  // Whether a name fits a pattern is not asked: patterns are regular expressions that need not run in linear time.
  if (isObject(patternProperties) && Object.keys(patternProperties).length > 0) return undefined;
  if (additionalProperties === true) return undefined;
  const more = isObject(additionalProperties) ? [additionalProperties] : [];
  if (name !== undefined) {
    // A schema that lists properties and does not forbid others was most likely meant to list them all.
    const isOpen = additionalProperties === undefined && Object.keys(own).length === 0;
    return isOpen ? undefined : more;
  }
  return additionalProperties === undefined ? undefined : [...Object.values(own), ...more];
}

function missingOf(schemas: readonly JsonObject[], step: PathStep): SchemaReading["missing"] {
  if (step.kind !== "key") return undefined;
  const names = schemas.flatMap(({ properties }) => (isObject(properties) ? Object.keys(properties) : []));
  return { name: step.name, names: [...new Set(names)] };
}

function describe(schemas: readonly JsonObject[]): SchemaReading {
  const types = new Set<SchemaType>();
  const values: JsonValue[] = [];
  let isAnyType = false;
  let isAnyValue = false;
  for (const schema of schemas) {
    const own = typesOf(schema);
    if (own === undefined) isAnyType = true;
    else for (const type of own) types.add(type);
    const listed = isList(schema["enum"])
      ? schema["enum"]
      : schema["const"] === undefined
        ? undefined
        : [schema["const"]];
    if (listed === undefined) isAnyValue = true;
    else values.push(...listed);
  }
  return {
    isUnknown: false,
    types: isAnyType ? undefined : types,
    values: isAnyValue ? undefined : values,
    missing: undefined,
  };
}

function typesOf(schema: JsonObject): ReadonlySet<SchemaType> | undefined {
  const { type } = schema;
  const listed = typeof type === "string" ? [type] : isList(type) ? type : undefined;
  const types = listed?.map(schemaTypeOf);
  if (types === undefined) {
    const values = isList(schema["enum"])
      ? schema["enum"]
      : schema["const"] === undefined
        ? undefined
        : [schema["const"]];
    return values === undefined ? undefined : new Set(values.map(typeOfValue));
  }
  const known = types.filter((one) => one !== undefined);
  return known.length === types.length ? new Set(known) : undefined;
}

function schemaTypeOf(type: JsonValue): SchemaType | undefined {
  switch (type) {
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "array":
    case "object":
    case "null":
      return type;
    default:
      return undefined;
  }
}

function typeOfValue(value: JsonValue): SchemaType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return schemaTypeOf(typeof value) ?? "object";
}
