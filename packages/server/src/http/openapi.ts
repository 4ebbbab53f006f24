import { problemSchema, SCOPES } from "@handlebar/protocol";
import type { AnswerForm, Route } from "../routes/route.ts";
import { VERSION } from "../version.ts";
import { fieldsOf, type JsonSchema, SchemaBook } from "./openapi-schemas.ts";
import { idsOfPath } from "./parse-request.ts";

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, unknown>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
  readonly security: readonly unknown[];
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  /** The scope that the key needs. */
  readonly "x-scope"?: string | undefined;
  /** Scopes that will do in its place. */
  readonly "x-or-scopes"?: readonly string[] | undefined;
  readonly parameters?: readonly OpenApiParameter[] | undefined;
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, unknown>>;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: JsonSchema;
}

const DESCRIPTION = `The HTTP contract of a Handlebar control plane. Requests carry an API key as \`Authorization: Bearer hb_...\`;
refusals are \`application/problem+json\` with a stable \`code\`. Bodies are JSON, and may be compressed with gzip, zstd or deflate.
Answers may get further fields; ignore those that you do not know.`;

/** The document of a route table. */
export function createOpenApi(routes: readonly Route[]): OpenApiDocument {
  const book = new SchemaBook();
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of [...routes].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    const methods = paths[route.path] ?? {};
    methods[route.method.toLowerCase()] = operationOf(route, book);
    paths[route.path] = methods;
  }
  const tags = [...new Set(routes.map(({ tag }) => tag))].sort().map((name) => ({ name }));
  return {
    openapi: "3.1.0",
    info: { title: "Handlebar control plane", version: VERSION, description: DESCRIPTION },
    tags,
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: "http",
          scheme: "bearer",
          description: `An API key; its scopes are some of ${SCOPES.join(", ")}.`,
        },
      },
      schemas: book.definitions(paths),
    },
    security: [{ apiKey: [] }],
  };
}

function operationOf(route: Route, book: SchemaBook): OpenApiOperation {
  const { operationId, summary, tag, scope, orScopes, body } = route;
  const inPath = fieldsOf(route.params ?? idsOfPath(route.path)).map((field) => ({
    ...field,
    in: "path" as const,
    required: true,
  }));
  const inQuery =
    route.query === undefined ? [] : fieldsOf(route.query).map((field) => ({ ...field, in: "query" as const }));
  const parameters = [...inPath, ...inQuery];
  const responses = Object.entries(route.answers).map(([status, form]) => [
    status,
    responseOf(form, `${operationId}Answer`, book),
  ]);
  return {
    operationId,
    summary,
    tags: [tag],
    ...(scope === undefined ? {} : { "x-scope": scope }),
    ...(orScopes === undefined ? {} : { "x-or-scopes": orScopes }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: json(book.ref(body, `${operationId}Body`)) } }),
    responses: { ...Object.fromEntries(responses), default: problemResponse(book) },
  };
}

function responseOf({ description, schema, events }: AnswerForm, name: string, book: SchemaBook): unknown {
  if (schema === undefined && events === undefined) return { description };
  return {
    description,
    content: {
      ...(schema === undefined ? {} : json(book.ref(schema, name))),
      ...(events === undefined ? {} : stream(book.ref(events, schema === undefined ? name : `${name}Message`))),
    },
  };
}

function problemResponse(book: SchemaBook): unknown {
  const schema = book.ref(problemSchema, "Problem");
  return { description: "A refusal", content: { "application/problem+json": { schema } } };
}

/** OpenAPI 3.1 has no word for streams; `x-events` is the form of each event's data. */
function stream(events: JsonSchema): object {
  return { "text/event-stream": { schema: { type: "string" }, "x-events": events } };
}

function json(schema: JsonSchema): object {
  return { "application/json": { schema } };
}
