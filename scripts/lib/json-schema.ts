/** A JSON Schema, as far as the generators look into it. */
export interface JsonSchema {
  $schema?: string;
  $id?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  title?: string;
  description?: string;
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  additionalProperties?: boolean | JsonSchema;
  items?: boolean | JsonSchema;
  oneOf?: readonly JsonSchema[];
  anyOf?: readonly JsonSchema[];
  if?: JsonSchema;
  then?: JsonSchema;
  else?: JsonSchema;
  [keyword: string]: unknown;
}

/** The schemas directly inside `schema`, without following `$ref`. */
function childSchemas(schema: JsonSchema): readonly JsonSchema[] {
  const single = [schema.items, schema.additionalProperties, schema.if, schema.then, schema.else];
  return [
    ...Object.values(schema.properties ?? {}),
    ...(schema.oneOf ?? []),
    ...(schema.anyOf ?? []),
    ...single.filter((inner): inner is JsonSchema => typeof inner === "object"),
  ];
}

/** Calls `visit` for `schema` and everything inside it, without following `$ref` or entering `$defs`. */
export function walkSchema(schema: JsonSchema, visit: (schema: JsonSchema) => void): void {
  visit(schema);
  for (const inner of childSchemas(schema)) walkSchema(inner, visit);
}
