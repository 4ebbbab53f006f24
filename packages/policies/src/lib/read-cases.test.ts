import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { formatIssue } from "./file-issue.ts";
import { parseCases, readCases } from "./read-cases.ts";

const REFUNDS = `policies: [refunds.yaml]
agent: support
tools:
  refund: [payments]
cases:
  - name: large refunds are held
    tools:
      fetch_page: { tags: [web], classification: internal }
    steps:
      - call: refund
        args: { amount: 900 }
        expect: HITL
      - advance: 2h
  - name: small refunds go through
    agent: { slug: billing, tags: [money] }
    steps:
      - { call: refund, args: { amount: 9 }, result: { ok: true }, expect: { verdict: ALLOW, cause: ALLOW }, expectResult: ALLOW }
      - { llm: { messages: [{ role: user, content: hi }] }, expect: REDACT }
      - { prompt: please }
      - { run: { session: s1 } }
`;

function problems(text: string): readonly string[] {
  return readCases(text, { file: "p.cases.yaml" }).issues.map(formatIssue);
}

describe("parseCases", () => {
  it("reads cases with the file's settings and their own", () => {
    const [held, small] = parseCases(REFUNDS, { file: "refunds.cases.yaml" });
    expect(held).toEqual({
      name: "large refunds are held",
      settings: {
        agent: "support",
        tools: { refund: ["payments"], fetch_page: { tags: ["web"], classification: "internal" } },
      },
      steps: [{ call: "refund", args: { amount: 900 }, expect: "HITL" }, { advance: "2h" }],
      place: { file: "refunds.cases.yaml", line: 6, column: 5, path: "cases[0]" },
      stepPlaces: [
        { file: "refunds.cases.yaml", line: 10, column: 9, path: "cases[0].steps[0]" },
        { file: "refunds.cases.yaml", line: 13, column: 9, path: "cases[0].steps[1]" },
      ],
    });
    expect(small?.settings).toEqual({ agent: { slug: "billing", tags: ["money"] }, tools: { refund: ["payments"] } });
    expect(small?.steps.map((step) => Object.keys(step)[0])).toEqual(["call", "llm", "prompt", "run"]);
    expect(readCases(REFUNDS).policyFiles).toEqual(["refunds.yaml"]);
  });

  it("reads JSON", () => {
    const file = { $schema: "x", cases: [{ name: "a", steps: [{ advance: "1s" }] }] };
    expect(parseCases(JSON.stringify(file), { format: "json" }).map((one) => one.steps)).toEqual([[{ advance: "1s" }]]);
  });

  it("throws one error that lists every problem", () => {
    const text =
      "cases:\n  - name: a\n    steps: [{ call: a, expect: DENY }]\n  - name: b\n    steps: [{ advance: soon }]\n";
    let thrown: unknown;
    try {
      parseCases(text, { file: "p.cases.yaml" });
    } catch (error) {
      thrown = error;
    }
    expect(HandlebarError.is(thrown) ? [thrown.code, ...thrown.message.split("\n")] : thrown).toEqual([
      "HB_CASE_INVALID",
      "HB_CASE_INVALID: 2 problems; correct each line below",
      "p.cases.yaml:3:32 cases[0].steps[0].expect: must be one of `ALLOW`, `REDACT`, `HITL`, `BLOCK`, not `DENY`; did you mean `BLOCK`?",
      "p.cases.yaml:5:24 cases[1].steps[0].advance: must be a duration such as `90s`, `1h 30m` or `500ms`",
    ]);
  });
});

describe("readCases", () => {
  it("keeps the cases that are right", () => {
    const reading = readCases("cases:\n  - { name: a, steps: [{ advance: 1s }] }\n  - { name: b, steps: [{}] }\n");
    expect(reading.cases.map((one) => one.name)).toEqual(["a"]);
    expect(reading.issues.length).toBe(1);
  });

  it.each([
    ["", ["p.cases.yaml:1:1 holds no cases; write `cases` with `name` and `steps`"]],
    ["- a", ["p.cases.yaml:1:1 must be an object, not a list"]],
    ["cases: []", ["p.cases.yaml:1:8 cases: must have at least one element"]],
    ["cases: [\n", [expect.stringMatching(/^p\.cases\.yaml:2:1 flow sequence/)]],
    [
      "cases: [{ name: a, steps: [{ advance: 1s }] }]\n---\ncases: []",
      ["p.cases.yaml:1:1 holds several documents; write one list of `cases`"],
    ],
    [
      "case: []",
      [
        "p.cases.yaml:1:1 cases: is required; give a list",
        "p.cases.yaml:1:1 case: unknown field; did you mean `cases`?",
      ],
    ],
    [
      "now: today\ncases: [{ name: a, steps: [{ advance: 1s }] }]",
      ["p.cases.yaml:1:6 now: must be a date and time in ISO 8601 with a zone, such as `2026-01-31T09:00:00Z`"],
    ],
    ["cases: [{ name: a }]", ["p.cases.yaml:1:9 cases[0].steps: is required; give a list"]],
    ["cases: [{ name: a, steps: [] }]", ["p.cases.yaml:1:27 cases[0].steps: must have at least one element"]],
    [
      "cases: [{ name: a, steps: [{ cal: x }] }]",
      ["p.cases.yaml:1:28 cases[0].steps[0]: a step has exactly one of `call`, `llm`, `advance`, `prompt`, `run`"],
    ],
    [
      "cases: [{ name: a, steps: [{ call: x, advance: 1s }] }]",
      ["p.cases.yaml:1:28 cases[0].steps[0]: a step has exactly one of `call`, `llm`, `advance`, `prompt`, `run`"],
    ],
    [
      "cases: [{ name: a, steps: [{ call: x, expct: ALLOW }] }]",
      ["p.cases.yaml:1:39 cases[0].steps[0].expct: unknown field; did you mean `expect`?"],
    ],
    [
      "cases: [{ name: a, steps: [{ call: x, expect: { rul: y } }] }]",
      ["p.cases.yaml:1:49 cases[0].steps[0].expect.rul: unknown field; did you mean `rule`?"],
    ],
    [
      "tools: { refund: [] }\ncases: [{ name: a, steps: [{ call: refnud }] }]",
      ["p.cases.yaml:2:36 cases[0].steps[0].call: `refnud` is not among `tools`; did you mean `refund`?"],
    ],
    [
      "cases:\n  - { name: a, steps: [{ advance: 1s }] }\n  - { name: a, steps: [{ advance: 1s }] }",
      ["p.cases.yaml:3:5 cases[1].name: another case has the name `a`"],
    ],
    [
      "actor: { name: Ann }\ncases: [{ name: a, steps: [{ advance: 1s }] }]",
      ["p.cases.yaml:1:8 actor.externalId: is required; give text"],
    ],
    [
      "cases: [{ name: a, steps: [{ call: x, customs: { f: maybe } }] }]",
      [expect.stringMatching(/^p\.cases\.yaml:1:53 cases\[0\]\.steps\[0\]\.customs\.f: must be /)],
    ],
  ])("reports %j", (text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it("reports no more problems than of a policy file, and counts the rest", () => {
    const steps = Array.from({ length: 2_000 }, (_, at) => `{ bogus: ${at} }`);
    const found = problems(`cases: [{ name: a, steps: [${steps.join(", ")}] }]`);
    expect(found).toHaveLength(100);
    expect(found.at(-1)).toMatch(/and 1901 more problems; correct those above first$/);
  });
});
