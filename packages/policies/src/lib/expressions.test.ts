import { describe, expect, it } from "vitest";
import { formatIssue } from "./file-issue.ts";
import { printPolicies } from "./print-policies.ts";
import { parsePolicies, readPolicies } from "./read-policies.ts";

/** A policy whose one rule has `src`, written as given, as its expression. */
function policy(src: string): string {
  return `name: p
rules:
  - name: r
    on: tool.before
    when:
      kind: not
      not:
        kind: expr
        lang: cel
        src: ${src}
    effect: { type: block }
`;
}

/** Line and column of each problem. */
function places(text: string): readonly (readonly [number, number, string])[] {
  return readPolicies(text).issues.map(({ line, column, code }) => [line, column, code]);
}

describe("expressions in policy files", () => {
  it("get their trees, which are not printed", () => {
    const [parsed] = parsePolicies(policy("args.amount > 5.0"));
    const when = parsed?.rules[0]?.when;
    expect(when).toEqual({
      kind: "not",
      not: { kind: "expr", lang: "cel", src: "args.amount > 5.0", tree: expect.objectContaining({ version: 1 }) },
    });
    const printed = printPolicies(parsed === undefined ? [] : [parsed]);
    expect(printed).not.toContain("tree");
    expect(parsePolicies(printed)).toEqual([parsed]);
  });

  it("are read anew: a tree that the file brings does not count", () => {
    const forged = policy("args.a == 1.0").replace(
      "lang: cel",
      "lang: cel\n        tree: { version: 1, root: { node: literal, type: bool, value: false } }",
    );
    expect(parsePolicies(forged)).toEqual(parsePolicies(policy("args.a == 1.0")));
  });

  it.each([
    ["plain", "args.a @ 1", 10, 21],
    ["quoted", '"args.a @ 1"', 10, 22],
    ["a block", "|\n          args.b == 2.0 &&\n            args.a @ 1", 12, 20],
    ["a block with a repeated line", "|\n          true &&\n          true &&\n          true @", 13, 16],
    ["written with escapes, whose place is the whole", '"args.a \\u0040 1"', 10, 14],
  ])("are placed where the fault is: %s", (_how, src, line, column) => {
    expect(places(policy(src))).toEqual([[line, column, "HB_POLICY_EXPR_INVALID"]]);
  });

  it("are reported with their field, and keep their policy out", () => {
    const reading = readPolicies(`${policy("1 + 1")}---\nname: q\nrules: []\n`, { file: "p.yaml" });
    expect(reading.policies).toEqual([{ name: "q", rules: [] }]);
    expect(reading.origins.length).toBe(1);
    expect(reading.issues.map(formatIssue)).toEqual([
      "p.yaml:10:14 rules[0].when.not.src: comes to a int, not to true or false",
    ]);
  });

  it("are found in flow sources, and in several policies of one document", () => {
    const text = `policies:
  - { name: a, rules: [] }
  - name: b
    flow: { sources: [{ add: [x], when: { kind: expr, lang: cel, src: "((" } }] }
    rules: []
`;
    expect(readPolicies(text).issues.map((issue) => issue.path)).toEqual(["policies[1].flow.sources[0].when.src"]);
  });
});
