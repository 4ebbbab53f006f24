import {
  actorGroupSchema,
  actorSchema,
  caseExpectationSchema,
  caseOutcomeSchema,
  caseStepSchemas,
  jsonValueSchema,
  lockdownSchema,
  messageSchema,
  modelSchema,
  policyCaseFileSchema,
  policyCaseSchema,
  subjectSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { CASE_DESCRIPTIONS } from "./case-descriptions.ts";
import type { JsonSchema } from "./json-schema.ts";
import { describeFields } from "./policy-json-schema.ts";

const CASE_SCHEMA_ID = "https://gethandlebar.com/schema/v1/cases.schema.json";

/** The JSON Schema (2020-12) of a case file, for editors. */
export function caseJsonSchema(): JsonSchema {
  const step = z.union(Object.values(caseStepSchemas));
  const one = policyCaseSchema.extend({ steps: z.array(step).min(1) });
  const file = policyCaseFileSchema.extend({ cases: z.array(one).min(1) });
  const names = z.registry<{ id: string }>();
  const named: Readonly<Record<string, z.ZodType>> = {
    Actor: actorSchema,
    ActorGroup: actorGroupSchema,
    CaseExpectation: caseExpectationSchema,
    CaseOutcome: caseOutcomeSchema,
    JsonValue: jsonValueSchema,
    Lockdown: lockdownSchema,
    Message: messageSchema,
    Model: modelSchema,
    PolicyCase: one,
    Subject: subjectSchema,
  };
  for (const [id, schema] of Object.entries(named)) names.add(schema, { id });
  for (const [kind, schema] of Object.entries(caseStepSchemas)) {
    names.add(schema, { id: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Step` });
  }
  const { $schema, $defs, ...root } = z.toJSONSchema(file, { metadata: names, io: "input" }) as JsonSchema;
  const defs = $defs ?? {};
  for (const [name, schema] of Object.entries({ ...defs, PolicyCaseFile: root }))
    describeFields(schema, CASE_DESCRIPTIONS[name]);
  const editorField = { type: "string", description: "Tells an editor where this schema is; left out when read." };
  return {
    $schema: $schema ?? "https://json-schema.org/draft/2020-12/schema",
    $id: CASE_SCHEMA_ID,
    title: "Handlebar policy cases",
    ...root,
    properties: { $schema: editorField, ...root.properties },
    $defs: Object.fromEntries(Object.entries(defs).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
