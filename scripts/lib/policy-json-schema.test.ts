import { CONDITION_KINDS, policySchema } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonSchema, walkSchema } from "./json-schema.ts";
import { isValid } from "./json-schema-validator.ts";
import { POLICY_DESCRIPTIONS } from "./policy-descriptions.ts";
import { policyJsonSchema } from "./policy-json-schema.ts";

const SCHEMA = policyJsonSchema();
const DEFS = SCHEMA.$defs ?? {};
/** Made by machines, not written by people. */
const UNDESCRIBED = new Set(["Condition", "ExprNode", "JsonValue"]);

const RULE = { name: "r", on: "tool.before", effect: { type: "block", reason: "no", control: "TERMINATE" } };
const LEAVES: readonly object[] = [
  { kind: "toolName", op: "glob", value: ["a*"] },
  { kind: "toolTag", anyOf: ["x"] },
  { kind: "toolArg", path: "a", type: "number", op: "gt", value: 1, in: "args" },
  { kind: "toolArg", path: "a", type: "string", op: "matches", value: "x", ignoreCase: true, onMissing: "match" },
  { kind: "actor", path: "name", op: "exists" },
  { kind: "maxCalls", scope: "run", max: 2, tool: { name: "a" } },
  { kind: "maxCalls", scope: "agent", max: 2, windowSeconds: 60 },
  { kind: "sequence", called: [{ name: "a", outcome: "error" }] },
  { kind: "timeGate", windows: [{ days: ["mon"], start: "09:00", end: "17:00" }], timezone: { actor: "metadata.tz" } },
  { kind: "metricWindow", scope: "run", metric: "llm_cost_usd", aggregate: "sum", op: "gt", value: 1 },
  { kind: "sensitiveData", detectors: ["email"], min: 1 },
  { kind: "label", allOf: ["a"] },
  { kind: "argFrom", paths: ["to"], origins: ["untrusted"] },
  {
    kind: "expr",
    lang: "cel",
    src: "true",
    tree: { version: 1, root: { node: "list", items: [{ node: "name", name: "a" }] } },
  },
  { kind: "custom", name: "f", args: { a: [1, null] } },
];
const POLICY = {
  id: "p",
  name: "p",
  mode: "shadow",
  agents: { anyOfSlugs: ["a"] },
  flow: { sources: [{ tool: { tagsAny: ["web"] }, add: ["untrusted"], trust: "untrusted" }], scope: "run" },
  rules: [
    {
      ...RULE,
      when: {
        kind: "and",
        all: [
          { kind: "or", any: LEAVES },
          { kind: "not", not: LEAVES[0] },
        ],
      },
    },
    {
      name: "redact",
      on: ["llm.before"],
      effect: { type: "redact", redact: [{ detectors: ["email"], method: "hash" }] },
    },
    { name: "hold", on: "tool.before", effect: { type: "hitl", approval: { approvalsNeeded: 2 } } },
  ],
};

describe("the JSON Schema of policy files", () => {
  it("refers to no definition that does not exist, and has none that is not used", () => {
    const used = new Set<string>();
    for (const schema of [SCHEMA, ...Object.values(DEFS)]) {
      walkSchema(schema, (inner) => {
        if (inner.$ref !== undefined) used.add(inner.$ref.replace("#/$defs/", ""));
      });
    }
    // The root repeats `Policy` and `PolicyList` with `$schema` beside their fields.
    expect([...used, "PolicyList"].sort()).toEqual(Object.keys(DEFS));
  });

  it("has a definition for each kind of condition", () => {
    const kinds = CONDITION_KINDS.filter((kind) => kind !== "enduserTag").map(
      (kind) => `#/$defs/${kind.charAt(0).toUpperCase()}${kind.slice(1)}Condition`,
    );
    expect(DEFS["Condition"]?.oneOf?.map((option) => option.$ref)).toEqual(kinds);
  });

  it("describes every definition and every field, and nothing that does not exist", () => {
    expect(Object.keys(DEFS).filter((name) => !UNDESCRIBED.has(name))).toEqual(Object.keys(POLICY_DESCRIPTIONS).sort());
    for (const [name, description] of Object.entries(POLICY_DESCRIPTIONS)) {
      const fields = new Set<string>();
      walkWritten(DEFS[name] ?? {}, (schema) => {
        for (const [field, property] of Object.entries(schema.properties ?? {})) {
          if (schema.type === "object") fields.add(`${field}: ${property.description ?? "?"}`);
        }
      });
      const expected = Object.entries(description.fields).map(([field, text]) => `${field}: ${text}`);
      expect([name, [...fields].sort()]).toEqual([name, expected.sort()]);
    }
  });

  it("takes a policy file in its forms", () => {
    expect(isValid(SCHEMA, POLICY)).toBe(true);
    expect(isValid(SCHEMA, { $schema: "./policy.schema.json", ...POLICY })).toBe(true);
    expect(isValid(SCHEMA, { $schema: "./policy.schema.json", policies: [POLICY, POLICY] })).toBe(true);
    expect(isValid(SCHEMA, { policies: [] })).toBe(false);
    expect(isValid(SCHEMA, { policies: [POLICY], name: "p" })).toBe(false);
  });

  it("agrees with the protocol on damaged policies", () => {
    const places = placesIn(POLICY);
    const junk = fc.constantFrom<unknown>(
      undefined,
      null,
      "",
      "a",
      " a",
      0,
      -1,
      1.5,
      true,
      [],
      ["a"],
      {},
      { kind: "label" },
      "agent",
      "shadow",
      "25:00",
      "x".repeat(600),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(places.length - 1), junk), { minLength: 1, maxLength: 2 }),
        fc.boolean(),
        (changes, extra) => {
          let damaged: unknown = structuredClone(POLICY);
          for (const [index, value] of changes)
            damaged = replaced(damaged, [...(places[index] ?? []), ...(extra ? ["extra"] : [])], value);
          const plain: unknown = JSON.parse(JSON.stringify(damaged));
          expect([isValid(SCHEMA, plain), plain]).toEqual([policySchema.safeParse(plain).success, plain]);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** Walks what people write; the tree of an expression is made by machines. */
function walkWritten(schema: JsonSchema, visit: (schema: JsonSchema) => void): void {
  visit(schema);
  const { tree: _made, ...properties } = schema.properties ?? {};
  for (const inner of [...Object.values(properties), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])])
    walkWritten(inner, visit);
}

/** The keys of every value in `value`. */
function placesIn(value: unknown, keys: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [keys];
  return [keys, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...keys, key]))];
}

/** `value` with another one at `keys`; keys that lead nowhere change nothing. */
function replaced(value: unknown, keys: readonly string[], by: unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return by ?? null;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (String(index) === key ? replaced(item, rest, by) : item));
  return { ...value, [key]: rest.length === 0 ? by : replaced(Reflect.get(value, key), rest, by) };
}
