import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { printPolicies } from "./print-policies.ts";
import { parsePolicies } from "./read-policies.ts";

const POLICY: Policy = {
  rules: [
    {
      effect: { type: "block", control: "TERMINATE", reason: "possible data exfiltration: stop" },
      when: {
        kind: "and",
        all: [
          { kind: "label", allOf: ["untrusted", "private"] },
          { kind: "not", not: { kind: "toolArg", op: "endsWith", value: "@acme.com", type: "string", path: "to" } },
          {
            kind: "timeGate",
            timezone: { actor: "metadata.timezone", fallback: "Europe/Berlin" },
            windows: [{ days: ["mon", "tue"], start: "09:00", end: "17:00" }],
          },
          {
            kind: "expr",
            lang: "cel",
            src: "args.amount > 5.0 &&\n  args.to != 'x'\n",
            tree: { version: 1, root: { node: "name", name: "x" } },
          },
          { kind: "custom", name: "risk", args: { z: 1, a: [null, true, "null"] } },
        ],
      },
      tool: { tagsAny: ["external"] },
      on: ["tool.before", "llm.before"],
      name: "nothing leaves",
      id: undefined,
    },
  ],
  description: "two lines\nof text",
  name: "yes",
};

describe("printPolicies", () => {
  it("writes YAML as people do", () => {
    expect(printPolicies([POLICY])).toBe(`name: "yes"
description: |-
  two lines
  of text
rules:
  - name: nothing leaves
    on: [tool.before, llm.before]
    tool: { tagsAny: [external] }
    when:
      kind: and
      all:
        - { kind: label, allOf: [untrusted, private] }
        - kind: not
          not: { kind: toolArg, path: to, type: string, op: endsWith, value: "@acme.com" }
        - kind: timeGate
          windows:
            - { days: [mon, tue], start: "09:00", end: "17:00" }
          timezone: { actor: metadata.timezone, fallback: Europe/Berlin }
        - kind: expr
          lang: cel
          src: |
            args.amount > 5.0 &&
              args.to != 'x'
        - kind: custom
          name: risk
          args: { z: 1, a: [null, true, "null"] }
    effect: { type: block, reason: "possible data exfiltration: stop", control: TERMINATE }
`);
  });

  it("writes several policies as documents, or below `policies`", () => {
    const two: readonly Policy[] = [
      { name: "a", rules: [] },
      { name: "b", rules: [] },
    ];
    expect(printPolicies(two)).toBe("name: a\nrules: []\n---\nname: b\nrules: []\n");
    expect(JSON.parse(printPolicies(two, { format: "json" }))).toEqual({ policies: two });
    expect(JSON.parse(printPolicies(two.slice(0, 1), { format: "json" }))).toEqual(two[0]);
  });

  it("prints the same text whatever the order of fields", () => {
    const shuffled: Policy = { rules: [], mode: "shadow", name: "a", agents: { anyOfTags: ["x"] }, id: "p1" };
    const other: Policy = { id: "p1", agents: { anyOfTags: ["x"] }, name: "a", mode: "shadow", rules: [] };
    expect(printPolicies([shuffled])).toBe(printPolicies([other]));
    expect(printPolicies([shuffled])).toBe("name: a\nid: p1\nmode: shadow\nagents: { anyOfTags: [x] }\nrules: []\n");
  });

  it("prints what parses to itself printed again", () => {
    const text = printPolicies([POLICY]);
    expect(printPolicies(parsePolicies(text))).toBe(text);
  });

  it("refuses to print nothing", () => {
    expect(() => printPolicies([])).toThrow("HB_POLICY_INVALID: there is no policy to print; give at least one");
  });
});
