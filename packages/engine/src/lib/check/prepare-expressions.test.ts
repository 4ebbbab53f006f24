import type { Condition, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { prepareExpressions } from "./prepare-expressions.ts";

function policyWith(when: Condition): Policy {
  return { name: "p", rules: [{ name: "r", on: "tool.before", when, effect: { type: "block" } }] };
}

function issuesOf(src: string): readonly string[] {
  const { issues } = prepareExpressions([policyWith({ kind: "expr", lang: "cel", src })]);
  return issues.map((issue) => `${issue.line}:${issue.column} ${issue.message}`);
}

describe("prepareExpressions", () => {
  it("puts the syntax tree beside the text, wherever the expression stands", () => {
    const src = 'tool.name == "refund"';
    const when: Condition = { kind: "not", not: { kind: "and", all: [{ kind: "expr", lang: "cel", src }] } };
    const { policies, issues } = prepareExpressions([policyWith(when)]);
    expect(issues).toEqual([]);
    expect(policies[0]?.rules[0]?.when).toEqual({
      kind: "not",
      not: {
        kind: "and",
        all: [
          {
            kind: "expr",
            lang: "cel",
            src,
            tree: {
              version: 1,
              root: {
                node: "call",
                fn: "_==_",
                args: [
                  { node: "select", of: { node: "name", name: "tool" }, field: "name" },
                  { node: "literal", type: "string", value: "refund" },
                ],
              },
            },
          },
        ],
      },
    });
  });

  it("names the place of what does not parse", () => {
    expect(issuesOf("true &&\n  1 == = 2")).toEqual([expect.stringMatching(/^2:\d+ found = but/)]);
  });

  it.each([
    ["arg.amount > 1.0", /has no variable `arg`; use one of phase, tool, args/],
    ["args.amount.between(1, 2)", /has no function `between`/],
    ["size()", /calls `size` with 0 values; it takes 1/],
    ["phase > 1", /`>` compares a string with a int/],
    ["1 + 1.0 == 2.0", /`\+` mixes a int with a double; write both alike, such as `1.0`/],
    ['"yes"', /comes to a string, not to true or false/],
    ['size("a").startsWith("b")', /`startsWith` cannot take a int/],
    ["phase && true", /a logical operator cannot take a string/],
  ])("refuses %s", (src, message) => {
    expect(issuesOf(src).join("\n")).toMatch(message);
  });

  it("points at the keys of the expression's text", () => {
    const { issues } = prepareExpressions([policyWith({ kind: "expr", lang: "cel", src: "nope" })]);
    expect(issues[0]?.keys).toEqual([0, "rules", 0, "when", "src"]);
  });

  it.each([`${"(".repeat(5000)}true${")".repeat(5000)}`, Array(600).fill("true").join(" && ")])(
    "refuses what is too large, without failing itself",
    (src) => {
      expect(issuesOf(src).length).toBeGreaterThan(0);
    },
  );
});
