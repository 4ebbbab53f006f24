import { openApiDocument } from "@handlebar/server";
import { caseJsonSchema } from "./case-json-schema.ts";
import { configurationPage } from "./config-reference.ts";
import { errorsJson, errorsPage } from "./error-reference.ts";
import { eventJsonSchema } from "./event-json-schema.ts";
import type { JsonSchema } from "./json-schema.ts";
import { policyJsonSchema } from "./policy-json-schema.ts";

/** Files that are made from the protocol, by path from the repository's root. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const policy = schemaText(policyJsonSchema());
  const cases = schemaText(caseJsonSchema());
  const event = schemaText(eventJsonSchema());
  return new Map([
    ["spec/schema/policy.schema.json", policy],
    ["spec/schema/cases.schema.json", cases],
    ["spec/schema/event.schema.json", event],
    // The same files inside the package, so that editors find them in node_modules.
    ["packages/protocol/schema/policy.schema.json", policy],
    ["packages/protocol/schema/cases.schema.json", cases],
    ["packages/protocol/schema/event.schema.json", event],
    ["spec/openapi.json", `${JSON.stringify(openApiDocument(), undefined, 2)}\n`],
    ["spec/errors.json", errorsJson()],
    ["docs/reference/errors.md", errorsPage()],
    ["docs/reference/configuration.md", configurationPage()],
  ]);
}

function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
