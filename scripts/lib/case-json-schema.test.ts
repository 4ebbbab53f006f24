import { describe, expect, it } from "vitest";
import { CASE_DESCRIPTIONS } from "./case-descriptions.ts";
import { caseJsonSchema } from "./case-json-schema.ts";
import { type JsonSchema, walkSchema } from "./json-schema.ts";
import { isValid } from "./json-schema-validator.ts";

const SCHEMA = caseJsonSchema();

describe("the JSON Schema of case files", () => {
  it("describes every definition and field that people write, and nothing that does not exist", () => {
    const described: Readonly<Record<string, JsonSchema>> = { ...SCHEMA.$defs, PolicyCaseFile: SCHEMA };
    for (const [name, description] of Object.entries(CASE_DESCRIPTIONS)) {
      const texts = new Map<string, string | undefined>();
      walkSchema(described[name] ?? {}, (schema) => {
        for (const [field, property] of Object.entries(schema.properties ?? {})) {
          const isNested = name === "PolicyCaseFile" || name === "PolicyCase" ? schema !== described[name] : false;
          if (field !== "$schema" && !isNested) texts.set(field, property.description);
        }
      });
      expect([name, Object.fromEntries(texts)]).toEqual([name, description.fields]);
    }
  });

  it.each<[boolean, object]>([
    [true, { cases: [{ name: "a", steps: [{ call: "x", args: { a: 1 }, expect: "HITL" }, { advance: "2h" }] }] }],
    [
      true,
      {
        $schema: "x",
        tools: { x: ["a"] },
        cases: [{ name: "a", steps: [{ prompt: "hi" }, { run: {} }, { llm: {}, expect: { verdict: "REDACT" } }] }],
      },
    ],
    [false, { cases: [] }],
    [false, { cases: [{ name: "a", steps: [] }] }],
    [false, { cases: [{ name: "a", steps: [{ call: "x", expect: "DENY" }] }] }],
    [false, { cases: [{ name: "a", steps: [{ call: "x", advance: "2h" }] }] }],
    [false, { cases: [{ name: "a", steps: [{ advance: "soon" }] }] }],
  ])("answers %s for %j", (expected, file) => {
    expect(isValid(SCHEMA, file)).toBe(expected);
  });
});
