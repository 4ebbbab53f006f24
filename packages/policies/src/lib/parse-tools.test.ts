import { describe, expect, it } from "vitest";
import { parseTools } from "./parse-tools.ts";

describe("parseTools", () => {
  it("reads a list, and a map from names to tags", () => {
    expect(parseTools("- name: a\n  tags: [x]\n- { name: b, classification: internal }")).toEqual([
      { name: "a", tags: ["x"] },
      { name: "b", classification: "internal" },
    ]);
    expect(parseTools('{"a": ["x"], "b": {"tags": ["y"], "kind": "mcp"}}')).toEqual([
      { name: "a", tags: ["x"] },
      { name: "b", tags: ["y"], kind: "mcp" },
    ]);
  });

  it.each([
    ["7", /t.yaml: must be a list of tools, or a map/],
    ["a: [", /t.yaml: is neither YAML nor JSON/],
    ["- name: a\n  tag: [x]", /t.yaml: \[0\].tag unknown field; did you mean `tags`\?/],
    ["- tags: [x]", /t.yaml: \[0\].name is required/],
  ])("says what is wrong with %j", (text, message) => {
    expect(() => parseTools(text, { file: "t.yaml" })).toThrow(message);
  });

  it.each(["*a", `a: &a []\nb: [${"*a, ".repeat(120)}*a]`])(
    "refuses aliases that lead nowhere, or too far: %#",
    (text) => {
      expect(() => parseTools(text, { file: "tools.yaml" })).toThrow(/^HB_CONFIG_INVALID: tools\.yaml: /);
    },
  );
});
