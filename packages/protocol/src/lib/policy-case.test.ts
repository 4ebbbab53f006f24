import { describe, expect, it } from "vitest";
import { parseValue } from "./issue.ts";
import {
  caseExpectationSchema,
  caseStepSchemas,
  durationSchema,
  policyCaseFileSchema,
  policyCaseSchema,
} from "./policy-case.ts";

const HOST = {
  subjects: [{ subjectType: "patient", value: "1" }],
  signals: { risk: 0.5, note: null },
  customs: { f: true, g: "unknown" },
  unavailable: true,
};
const RUN = { actor: { externalId: "u" }, prompt: "hi", session: "s", runTags: { env: "prod" }, context: { a: 1 } };

/** The least and the most of each step. */
const STEPS: Readonly<Record<string, readonly object[]>> = {
  call: [
    { call: "refund" },
    {
      call: "refund",
      args: { amount: 9 },
      result: [1],
      took: "2s",
      metrics: { llm_cost_usd: 1 },
      approval: "denied",
      ...HOST,
      expect: "HITL",
      expectResult: { verdict: "REDACT", result: null },
    },
    { call: "refund", error: "no such order" },
  ],
  llm: [
    { llm: {} },
    {
      llm: {
        messages: [{ role: "user", content: "hi" }],
        response: { role: "assistant", content: "ho" },
        model: { name: "m" },
      },
      took: "1m",
      ...HOST,
      subjects: "unknown",
      expect: "REDACT",
      expectResponse: "ALLOW",
    },
  ],
  advance: [{ advance: "1h 30m" }],
  prompt: [{ prompt: "please" }],
  run: [{ run: {} }, { run: RUN }],
};

const SETTINGS = {
  agent: { slug: "support", tags: ["a"] },
  ...RUN,
  tools: { refund: ["payments"], read: { tags: [], classification: "internal", kind: "mcp" } },
  now: "2026-01-05T12:00:00Z",
  enforceMode: "shadow",
  failClosed: true,
  lockdowns: [{ lockdownId: "l", scope: { kind: "workspace" } }],
  ...HOST,
};

describe("schemas of policy cases", () => {
  it.each(Object.entries(STEPS))("takes a step `%s` in its forms, and no field that does not exist", (kind, forms) => {
    for (const form of forms) {
      expect(parseValue(schemaOf(kind), form)).toEqual({ ok: true, value: form });
      const found = parseValue(schemaOf(kind), { ...form, extra: 1 });
      expect(found.ok ? [] : found.issues.map((issue) => issue.path)).toEqual(["extra"]);
    }
  });

  it("knows no other step", () => {
    expect(Object.keys(caseStepSchemas)).toEqual(Object.keys(STEPS));
  });

  it("takes a case and a file with all settings", () => {
    const one = { name: "a", description: "", ...SETTINGS, agent: "support", steps: [{ advance: "1s" }] };
    const file = { policies: ["a.yaml"], ...SETTINGS, cases: [one] };
    expect(parseValue(policyCaseSchema, one)).toEqual({ ok: true, value: one });
    expect(parseValue(policyCaseFileSchema, file)).toEqual({ ok: true, value: file });
  });

  it("takes an expectation with all fields", () => {
    const expectation = {
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: "LOCKDOWN",
      rule: "r",
      message: "no",
      shadow: "ALLOW",
      args: null,
      result: 1,
      messages: [],
      response: { role: "assistant", content: "" },
      labels: ["untrusted"],
    };
    expect(parseValue(caseExpectationSchema, expectation)).toEqual({ ok: true, value: expectation });
  });

  it.each<[string, string, object, string]>([
    [
      "a duration without a unit",
      "advance",
      { advance: "90" },
      "advance: must be a duration such as `90s`, `1h 30m` or `500ms`",
    ],
    ["a number as duration", "call", { call: "a", took: 3 }, "took: must be text, not `3`"],
    [
      "an expectation that does not exist",
      "call",
      { call: "a", expect: "DENY" },
      "expect: must be one of `ALLOW`, `REDACT`, `HITL`, `BLOCK`, not `DENY`; did you mean `BLOCK`?",
    ],
    [
      "a cause that does not exist",
      "call",
      { call: "a", expect: { cause: "BUDGET" } },
      expect.stringMatching(/^expect\.cause: must be one of `ALLOW`, .*, not `BUDGET`$/),
    ],
    [
      "an answer that is none",
      "call",
      { call: "a", approval: "yes" },
      "approval: must be one of `approved`, `denied`, `pending`, not `yes`",
    ],
    ["an empty prompt", "prompt", { prompt: "" }, "prompt: must not be empty"],
    [
      "a message without a role",
      "llm",
      { llm: { messages: [{ content: "hi" }] } },
      "llm.messages[0].role: is required; use one of `system`, `user`, `assistant`, `tool`",
    ],
  ])("refuses %s", (_what, kind, value, expected) => {
    const found = parseValue(schemaOf(kind), value);
    expect(found.ok ? [] : found.issues.map((issue) => `${issue.path}: ${issue.message}`)).toEqual([expected]);
  });

  it.each(["0s", "500ms", "1.5h", "1d2h", "1h 30m"])("takes %j as a duration", (text) => {
    expect(durationSchema.safeParse(text).success).toBe(true);
  });
});

function schemaOf(kind: string): (typeof caseStepSchemas)[string] {
  const schema = caseStepSchemas[kind];
  if (schema === undefined) throw new Error(`no step ${kind}`);
  return schema;
}
