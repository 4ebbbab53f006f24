import type { JsonObject } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { parsePath } from "../path.ts";
import { readSchemaPath } from "./schema-path.ts";

const SCHEMA: JsonObject = {
  type: "object",
  additionalProperties: false,
  properties: {
    amount: { type: ["integer", "null"] },
    items: { type: "array", items: { $ref: "#/$defs/item" } },
    pair: { type: "array", prefixItems: [{ type: "string" }, { type: "boolean" }], items: false },
    to: { anyOf: [{ type: "string" }, { type: "object", properties: { iban: { const: "x" } } }] },
    both: {
      allOf: [{ type: "object", properties: { a: { type: "string" } } }, { properties: { b: { type: "number" } } }],
    },
    map: { type: "object", additionalProperties: { type: "number" } },
    open: { type: "object" },
    any: {},
    node: { $ref: "#/$defs/node" },
    loop: { $ref: "#/$defs/loop" },
    odd: { type: "object", properties: { a: {} }, patternProperties: { "^x-": {} } },
  },
  $defs: {
    item: { type: "object", properties: { price: { type: "number" } } },
    node: { type: "object", properties: { next: { $ref: "#/$defs/node" }, name: { enum: ["a", "b"] } } },
    loop: { $ref: "#/$defs/loop" },
  },
};

function read(text: string): string {
  const path = parsePath(text);
  if (typeof path === "string") throw new Error(path);
  const { isUnknown, types, values } = readSchemaPath(SCHEMA, path);
  if (isUnknown) return "unknown";
  const said = types === undefined ? "any" : [...types].sort().join("|");
  return values === undefined ? said : `${said} of ${values.join()}`;
}

describe("readSchemaPath", () => {
  it.each([
    ["amount", "null|number"],
    ["amnt", "unknown"],
    ["amount.x", "unknown"],
    ["items", "array"],
    ["items[].price", "number"],
    ["items[3].price", "number"],
    ["items.0.price", "number"],
    ["items.price", "unknown"],
    ["items[].cost", "unknown"],
    ["items.*.price", "number"],
    ["pair[]", "boolean|string"],
    ["to", "object|string"],
    ["to.iban", "string of x"],
    ["to.bic", "unknown"],
    ["both.a", "string"],
    ["both.b", "number"],
    ["both.c", "unknown"],
    ["map.x", "number"],
    ["open.x.y", "any"],
    ["any.x", "any"],
    ["node.next.next.name", "string of a,b"],
    ["node.next.next.nme", "unknown"],
    ["loop.x", "any"],
    ["odd.b", "any"],
    ["**", "any"],
    ["amount.**", "any"],
  ])("%s is %s", (path, expected) => {
    expect(read(path)).toBe(expected);
  });

  it("names what is there", () => {
    expect(
      readSchemaPath(SCHEMA, [{ kind: "key", name: "items" }, { kind: "each" }, { kind: "key", name: "cost" }]).missing,
    ).toEqual({
      name: "cost",
      names: ["price"],
    });
    expect(readSchemaPath(true, [{ kind: "key", name: "x" }]).isUnknown).toBe(false);
  });
});
