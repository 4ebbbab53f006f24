import { describe, expect, it } from "vitest";
import { type ConformanceCase, conformanceCaseSchema, conformanceJsonSchema } from "./conformance-case.ts";
import { DEFAULT_ENGINE } from "./conformance-engine.ts";
import { runConformanceCase } from "./run-conformance-case.ts";

const BASE: ConformanceCase = {
  id: "base",
  section: "5",
  title: "a base to change",
  policies: [
    {
      id: "p",
      name: "p",
      flow: { sources: [{ tool: { name: "web" }, add: ["untrusted"], trust: "untrusted" }] },
      rules: [
        {
          id: "amount",
          name: "amount",
          on: "tool.before",
          tool: { name: "pay" },
          when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 10 },
          effect: { type: "block", reason: "too much" },
        },
        {
          id: "cap",
          name: "cap",
          on: "tool.before",
          when: { kind: "maxCalls", scope: "agent", max: 2, windowSeconds: 60 },
          effect: { type: "block" },
        },
        {
          id: "risk",
          name: "risk",
          on: "tool.before",
          tool: { name: "risky" },
          when: {
            kind: "or",
            any: [
              { kind: "signal", signal: "risk", type: "number", op: "gt", value: 0.5 },
              { kind: "custom", name: "blocked" },
              { kind: "subject", subjectType: "patient", op: "eq", value: "p1" },
              { kind: "expr", lang: "cel", src: "args.n > 5" },
            ],
          },
          effect: { type: "block", control: "TERMINATE" },
        },
        {
          id: "mail",
          name: "mail",
          on: "tool.after",
          effect: { type: "redact", redact: [{ detectors: ["email"], method: "remove" }] },
        },
        {
          id: "seen",
          name: "seen",
          on: "tool.before",
          when: { kind: "label", allOf: ["untrusted"] },
          effect: { type: "hitl" },
        },
      ],
    },
  ],
  given: { agent: { slug: "support" } },
  steps: [],
};

const call = (callId: string, name: string, args: Record<string, number> = {}) => ({ callId, tool: { name }, args });
const decide = (
  callId: string,
  name: string,
  expected: Extract<ConformanceCase["steps"][number], { do: "decide" }>["expect"],
  args?: Record<string, number>,
): ConformanceCase["steps"][number] => ({
  do: "decide",
  phase: "tool.before",
  call: call(callId, name, args),
  expect: expected,
});

const failures = (change: Partial<ConformanceCase>) => {
  const source = conformanceCaseSchema.parse({ ...BASE, ...change });
  return runConformanceCase(source).failures;
};

describe("runConformanceCase", () => {
  it("passes where every step decides as it says", () => {
    const steps: ConformanceCase["steps"] = [
      decide(
        "1",
        "pay",
        {
          verdict: "BLOCK",
          cause: { kind: "RULE_VIOLATION", ruleId: "amount" },
          finalRuleId: "amount",
          message: "too much",
          messageOmits: ["900"],
          rules: { amount: "true", cap: { matched: false } },
        },
        { amount: 900 },
      ),
      decide("2", "web", {
        verdict: "ALLOW",
        control: "CONTINUE",
        cause: { kind: "ALLOW" },
        finalRuleId: null,
        ruleIds: ["cap", "seen"],
        redactions: null,
        redacted: {},
        shadow: null,
        degraded: null,
        labels: [],
      }),
      {
        do: "result",
        callId: "2",
        result: { from: "a@example.com" },
        expect: { redacted: { from: "" }, labels: ["untrusted"] },
      },
      decide("3", "read", { verdict: "BLOCK", cause: { kind: "HITL_PENDING" } }),
      { do: "change", given: { approval: { approvalId: "a1", status: "approved" } } },
      decide("3", "read", { verdict: "ALLOW", cause: { kind: "HITL_APPROVED", approvalId: "a1" } }),
      decide("4", "read", { cause: { kind: "BUDGET_EXHAUSTED", ruleId: "cap" } }),
      { do: "advance", ms: 60_001 },
      { do: "run", run: { runId: "run-2" } },
      decide("5", "read", { verdict: "ALLOW", labels: [] }),
    ];
    expect(failures({ steps })).toEqual([]);
  });

  it("says which field of which step is other", () => {
    const steps = [decide("1", "pay", { verdict: "BLOCK", rules: { amount: "true", nobody: "true" } }, { amount: 1 })];
    expect(failures({ steps })).toEqual([
      { step: 0, field: "verdict", expected: "BLOCK", actual: "ALLOW" },
      { step: 0, field: "rules.amount", expected: "true", actual: expect.objectContaining({ outcome: "false" }) },
      { step: 0, field: "rules.nobody", expected: "true", actual: null },
    ]);
    expect(failures({ steps: [{ do: "result", callId: "9" }] })).toMatchObject([{ field: "callId", actual: "9" }]);
  });

  it("takes what the host would answer from the case", () => {
    const risky = (given: Partial<ConformanceCase["given"]>, args?: Record<string, number>) => {
      const step = decide("1", "risky", { verdict: "ALLOW", rules: { risk: "false" } }, args);
      const [failure] = failures({
        given: { ...BASE.given, customs: { blocked: false }, ...given },
        steps: [step],
      }).filter(({ field }) => field === "rules.risk");
      return (failure?.actual as { outcome: string } | undefined)?.outcome ?? "false";
    };
    expect(risky({}, { n: 1 })).toBe("false");
    expect(risky({ signals: { risk: 0.9 } }, { n: 1 })).toBe("true");
    expect(risky({ signals: { risk: { unknown: true } } }, { n: 1 })).toBe("unknown");
    expect(risky({ customs: { blocked: true } }, { n: 1 })).toBe("true");
    expect(risky({ customs: {} }, { n: 1 })).toBe("unknown");
    expect(risky({ subjects: [{ subjectType: "patient", value: "p1" }] }, { n: 1 })).toBe("true");
    expect(risky({ subjects: { unknown: true } }, { n: 1 })).toBe("unknown");
    expect(risky({}, { n: 6 })).toBe("true");
  });

  it("remembers that a run was terminated", () => {
    const steps = [
      decide("1", "risky", { control: "TERMINATE" }, { n: 9 }),
      decide("2", "read", { cause: { kind: "RUN_ENDED" } }),
    ];
    expect(failures({ steps })).toEqual([]);
  });

  it("reads shared windows as the case says", () => {
    const steps = [decide("1", "read", { rules: { cap: "unavailable" }, degraded: ["HB_READING_UNAVAILABLE"] })];
    expect(failures({ given: { ...BASE.given, shared: "unavailable" }, steps })).toEqual([]);
    const given = { ...BASE.given, shared: [{ ruleId: "cap", value: 2, resetAtMs: 5 }] };
    const spent = decide("1", "read", {
      cause: { kind: "BUDGET_EXHAUSTED", ruleId: "cap", policyId: "p", resetAt: 5 },
    });
    expect(failures({ given, steps: [spent] })).toEqual([]);
  });

  it("starts with the labels, the mode and the fail mode that are given", () => {
    const given = { ...BASE.given, run: { labels: ["untrusted"] }, shared: "unavailable" as const };
    const steps = [
      decide("1", "read", { verdict: "BLOCK", cause: { kind: "UNAVAILABLE", code: "HB_READING_UNAVAILABLE" } }),
    ];
    expect(failures({ given, steps, options: { failClosed: true } })).toEqual([]);
    const shadowed = [decide("1", "read", { verdict: "ALLOW", shadow: { verdict: "BLOCK" } })];
    expect(failures({ given, steps: shadowed, options: { enforceMode: "shadow" } })).toEqual([]);
  });

  it("expects policies to be refused", () => {
    const policies = [
      {
        ...BASE.policies[0],
        rules: [{ ...BASE.policies[0]?.rules[0], when: { kind: "toolArg", path: "a[", type: "any", op: "exists" } }],
      },
    ];
    const refused = { policies, refused: { code: "HB_POLICY_PATH_INVALID" } } as Partial<ConformanceCase>;
    expect(failures(refused)).toEqual([]);
    expect(failures({ ...refused, refused: { code: "HB_POLICY_LIMIT" } })).toMatchObject([{ field: "refused" }]);
    expect(failures({ refused: { code: "HB_POLICY_LIMIT" } })).toMatchObject([{ actual: "compiled" }]);
    expect(runConformanceCase({ ...BASE, ...refused, refused: undefined }).failures).toMatchObject([
      { field: "policies" },
    ]);
  });

  it("runs on the engine that it is given", () => {
    const steps = [decide("1", "read", { verdict: "ALLOW" })];
    const engine = {
      ...DEFAULT_ENGINE,
      decide: () =>
        ({
          verdict: "BLOCK",
          control: "CONTINUE",
          cause: { kind: "RUN_ENDED" },
          message: "",
          evaluatedRules: [],
        }) as const,
    };
    expect(runConformanceCase({ ...BASE, steps }).passed).toBe(true);
    expect(runConformanceCase({ ...BASE, steps }, engine as unknown as typeof DEFAULT_ENGINE).passed).toBe(false);
  });
});

describe("conformanceJsonSchema", () => {
  it("names the fields of a case", () => {
    const schema = JSON.stringify(conformanceJsonSchema());
    for (const field of ["policies", "given", "steps", "refused", "finalRuleId", "redacted"])
      expect(schema).toContain(`"${field}"`);
  });
});
