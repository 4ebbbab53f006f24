import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inWrittenOrder, WRITTEN_ORDER } from "./written-order.ts";

const SCHEMA: unknown = JSON.parse(
  readFileSync(new URL("../../../protocol/schema/policy.schema.json", import.meta.url), "utf8"),
);

/** The names of all fields of a JSON Schema, those of expression trees and JSON values left out. */
function fieldNames(schema: unknown, names: Set<string> = new Set()): ReadonlySet<string> {
  if (typeof schema !== "object" || schema === null) return names;
  for (const [keyword, inner] of Object.entries(schema)) {
    if (keyword === "ExprNode" || keyword === "tree") continue;
    if (keyword === "properties") for (const name of Object.keys(Object(inner))) names.add(name);
    fieldNames(inner, names);
  }
  return names;
}

describe("inWrittenOrder", () => {
  it("knows the place of every field of the policy schema, and of no other", () => {
    const fields = [...fieldNames(SCHEMA)].filter((name) => !["$schema", "policies", "tree"].includes(name));
    expect([...WRITTEN_ORDER].sort()).toEqual(fields.sort());
    expect(new Set(WRITTEN_ORDER).size).toBe(WRITTEN_ORDER.length);
  });

  it("puts fields in order at every depth, and leaves out trees and what is undefined", () => {
    const value = {
      rules: [
        {
          effect: { reason: "a", type: "block" },
          when: { tree: {}, src: "true", lang: "cel", kind: "expr" },
          name: "r",
        },
      ],
      id: undefined,
      name: "p",
    };
    expect(JSON.stringify(inWrittenOrder(value))).toBe(
      '{"name":"p","rules":[{"name":"r","when":{"kind":"expr","lang":"cel","src":"true"},"effect":{"type":"block","reason":"a"}}]}',
    );
  });

  it("leaves the host's own arguments as they are", () => {
    const value = { kind: "custom", args: { name: 1, kind: "expr", tree: 2, id: undefined } };
    expect(inWrittenOrder(value)).toEqual(value);
  });
});
