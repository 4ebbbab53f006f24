import * as protocol from "@handlebar/protocol";
import * as z from "zod";

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export interface JsonSchema {
  readonly [key: string]: unknown;
}

const PREFIX = "#/components/schemas/";

/** Every schema that a document uses, under its name. */
export class SchemaBook {
  readonly #registry = z.registry<{ readonly id: string }>();
  readonly #names = new Map<z.ZodType, string>();

  constructor() {
    for (const [name, value] of Object.entries(protocol)) {
      if (name.endsWith("Schema") && value instanceof z.ZodType) this.#add(value, pascalCase(name.slice(0, -6)));
    }
  }

  /** A reference to a schema; one that the protocol does not name gets the name `otherwise`. */
  ref(schema: z.ZodType, otherwise: string): JsonSchema {
    if (!this.#names.has(schema)) this.#add(schema, pascalCase(otherwise));
    return { $ref: `${PREFIX}${this.#names.get(schema)}` };
  }

  /** The definitions that `document` leads to. */
  definitions(document: unknown): Readonly<Record<string, JsonSchema>> {
    const all = this.#convert();
    const used = new Map<string, JsonSchema>();
    const waiting = refsIn(document);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const schema = all.get(name);
      if (schema === undefined || used.has(name)) continue;
      used.set(name, schema);
      waiting.push(...refsIn(schema));
    }
    return Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #add(schema: z.ZodType, name: string): void {
    // The same schema under two names keeps the first.
    if (this.#names.has(schema)) return;
    this.#registry.add(schema, { id: name });
    this.#names.set(schema, name);
  }

  #convert(): ReadonlyMap<string, JsonSchema> {
    const { schemas } = z.toJSONSchema(this.#registry, {
      uri: (id) => `${PREFIX}${id}`,
      // An answer may have more fields tomorrow: as it may be given is also how it may be read.
      io: "input",
      unrepresentable: "any",
    });
    // Converted schemas are plain JSON; recursive ones without a name come in a list of their own.
    const text = JSON.stringify(schemas).replaceAll("__shared#/$defs/schema", "Shared");
    const plain = JSON.parse(text) as Record<string, JsonSchema>;
    const { __shared: shared, ...named } = plain;
    const unnamed = (shared?.["$defs"] ?? {}) as Record<string, JsonSchema>;
    const definitions = new Map(Object.entries(named).map(([name, schema]) => [name, withoutIds(schema)]));
    for (const [name, schema] of Object.entries(unnamed)) definitions.set(name.replace("schema", "Shared"), schema);
    return definitions;
  }
}

/** What a schema says of its fields, each alone. */
export function fieldsOf(
  schema: z.ZodType,
): readonly { readonly name: string; readonly schema: JsonSchema; readonly required: boolean }[] {
  // As they come out: what coerces text to a number is a number to whoever writes a request.
  const output = z.toJSONSchema(schema, { io: "output", unrepresentable: "any" });
  const input = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const required = new Set(input.required ?? []);
  return Object.entries(output.properties ?? {}).map(([name, property]) => ({
    name,
    schema: withoutPatternOfFormat(property as JsonSchema),
    required: required.has(name),
  }));
}

/** A format says what its long pattern says. */
function withoutPatternOfFormat({ pattern, ...rest }: JsonSchema): JsonSchema {
  return pattern === undefined || rest["format"] !== undefined ? rest : { ...rest, pattern };
}

function withoutIds({ $schema: _schema, $id: _id, ...rest }: JsonSchema): JsonSchema {
  return rest;
}

function refsIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? "");
}

function pascalCase(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
