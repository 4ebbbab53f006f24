import {
  agentSelectorSchema,
  approvalTermsSchema,
  conditionSchema,
  effectSchema,
  exprNodeSchema,
  flowSchema,
  flowSourceSchema,
  jsonValueSchema,
  policySchema,
  redactionSchema,
  ruleSchema,
  timeWindowSchema,
  timeZoneSourceSchema,
  toolSelectorSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { type JsonSchema, walkSchema } from "./json-schema.ts";
import { type Description, POLICY_DESCRIPTIONS } from "./policy-descriptions.ts";

const POLICY_SCHEMA_ID = "https://gethandlebar.com/schema/v1/policy.schema.json";

/** The JSON Schema (2020-12) of a policy file, for editors. */
export function policyJsonSchema(): JsonSchema {
  const { $defs, ...policy } = z.toJSONSchema(policySchema, { metadata: names(), io: "input" }) as JsonSchema;
  delete policy.$schema;
  const defs: Record<string, JsonSchema> = { Policy: policy, PolicyList: policyList(), ...$defs };
  addConstraints(defs);
  for (const [name, schema] of Object.entries(defs)) describeFields(schema, POLICY_DESCRIPTIONS[name]);
  const editorField = { type: "string", description: "Tells an editor where this schema is; left out when read." };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: POLICY_SCHEMA_ID,
    title: "Handlebar policy file",
    description: "One policy, or several below `policies`.",
    type: "object",
    if: { required: ["policies"] },
    then: withField(defs["PolicyList"], "$schema", editorField),
    else: withField(defs["Policy"], "$schema", editorField),
    $defs: Object.fromEntries(Object.entries(defs).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Names for the schemas that become definitions. */
function names(): z.core.$ZodRegistry<{ id: string }> {
  const registry = z.registry<{ id: string }>();
  const named: Readonly<Record<string, z.ZodType>> = {
    Rule: ruleSchema,
    AgentSelector: agentSelectorSchema,
    ToolSelector: toolSelectorSchema,
    Redaction: redactionSchema,
    ApprovalTerms: approvalTermsSchema,
    Flow: flowSchema,
    FlowSource: flowSourceSchema,
    TimeWindow: timeWindowSchema,
    TimeZoneSource: timeZoneSourceSchema,
    Condition: conditionSchema,
    ExprNode: exprNodeSchema,
    JsonValue: jsonValueSchema,
  };
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  for (const effect of effectSchema.options) {
    registry.add(effect, { id: `${capital(effect.shape.type.value)}Effect` });
  }
  for (const condition of conditionOptions()) registry.add(condition, { id: `${capital(kindOf(condition))}Condition` });
  registry.add(callPattern(), { id: "CallPattern" });
  return registry;
}

/** The kinds of condition, as the protocol's union holds them behind its lazy, recursive schema. */
function conditionOptions(): readonly z.core.$ZodType[] {
  if (!(conditionSchema instanceof z.ZodLazy)) throw new Error("the condition schema is no longer lazy");
  const union = conditionSchema.unwrap();
  if (!(union instanceof z.ZodDiscriminatedUnion)) throw new Error("the condition schema is no longer a union");
  return union.options;
}

/** `actor` has an older name beside it: the first one counts. */
function kindOf(condition: z.core.$ZodType): string {
  const [kind] = condition._zod.propValues?.["kind"] ?? [];
  return String(kind);
}

function callPattern(): z.core.$ZodType {
  const sequence = conditionOptions().find((option) => kindOf(option) === "sequence");
  const called = sequence instanceof z.ZodObject ? sequence.shape["called"] : undefined;
  const list: unknown = called instanceof z.ZodOptional ? called.unwrap() : undefined;
  if (!(list instanceof z.ZodArray)) throw new Error("the sequence condition no longer lists calls");
  return list.element;
}

function policyList(): JsonSchema {
  return {
    type: "object",
    properties: { policies: { type: "array", minItems: 1, maxItems: 1000, items: { $ref: "#/$defs/Policy" } } },
    required: ["policies"],
    additionalProperties: false,
  };
}

/** What the protocol checks beyond types, where JSON Schema can say it. */
function addConstraints(defs: Record<string, JsonSchema>): void {
  const oneOfFields = (name: string, fields: readonly string[]): void => {
    Object.assign(definition(defs, name), { anyOf: fields.map((field) => ({ required: [field] })) });
  };
  for (const name of ["ToolTagCondition", "LabelCondition"]) oneOfFields(name, ["anyOf", "allOf", "noneOf"]);
  oneOfFields("SequenceCondition", ["called", "notCalled"]);
  oneOfFields("Redaction", ["detectors", "paths"]);
  oneOfFields("FlowSource", ["add", "trust"]);
  for (const name of ["MaxCallsCondition", "MetricWindowCondition"]) {
    const windowless = { if: { properties: { scope: { const: "run" } } }, else: { required: ["windowSeconds"] } };
    Object.assign(definition(defs, name), windowless);
  }
}

/** Writes the description of a definition and of every field in it. */
export function describeFields(schema: JsonSchema, description: Description | undefined): void {
  if (description === undefined) return;
  schema.description = description.text;
  walkSchema(schema, (inner) => {
    for (const [field, property] of Object.entries(inner.properties ?? {})) {
      const text = description.fields[field];
      if (text !== undefined && inner.type === "object") property.description = text;
    }
  });
}

function withField(schema: JsonSchema | undefined, field: string, property: JsonSchema): JsonSchema {
  return { ...schema, properties: { [field]: property, ...schema?.properties } };
}

function definition(defs: Record<string, JsonSchema>, name: string): JsonSchema {
  const found = defs[name];
  if (found === undefined) throw new Error(`the policy schema has no definition ${name}`);
  return found;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
