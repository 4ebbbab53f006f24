import type { Condition, JsonObject, Policy, Rule } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../compile.ts";
import { checkPolicies } from "./check-policies.ts";
import { prepareExpressions } from "./prepare-expressions.ts";

const path = fc.constantFrom("a", "a.b", "a[]", "**", "a..b", "", "[", 'a["x"]');
const label = fc.constantFrom("x", "y", "z");
const leaf: fc.Arbitrary<Condition> = fc.oneof<fc.Arbitrary<Condition>[]>(
  path.map((one) => ({ kind: "toolArg", path: one, type: "number", op: "gt", value: 1 })),
  path.map((one) => ({ kind: "toolArg", path: one, type: "array", op: "longerThan", value: 1 })),
  path.map((one) => ({ kind: "argFrom", paths: ["a", one], origins: ["untrusted"] })),
  path.map((one) => ({ kind: "sensitiveData", in: "args", path: one })),
  fc
    .constantFrom("name", "metadata.x", "metadata", "[")
    .map((one) => ({ kind: "actor", path: one, op: "eq", value: "x" })),
  fc.constantFrom("a*", "(", "(?=a)", "\\1").map((value) => ({ kind: "toolName", op: "matches", value })),
  fc.constantFrom("UTC", "Mars").map((timezone) => ({
    kind: "timeGate",
    windows: [{ days: ["mon"], start: "09:00", end: "17:00" }],
    timezone,
  })),
  fc.constantFrom("args.a > 1.0", "args.a >", "1 + 1").map((src) => ({ kind: "expr", lang: "cel", src })),
  label.map((one) => ({ kind: "label", anyOf: [one] })),
  fc.constant({ kind: "maxCalls", scope: "agent", max: 1, tool: { name: "x".repeat(300) } }),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("condition"), { minLength: 1, maxLength: 2 }).map((all): Condition => ({ kind: "and", all })),
    tie("condition").map((not): Condition => ({ kind: "not", not })),
  ),
}));
const rule: fc.Arbitrary<Rule> = fc
  .record({
    name: fc.constantFrom("a", "b", "c"),
    enabled: fc.constantFrom(undefined, false),
    when: fc.option(condition, { nil: undefined }),
    redacts: fc.option(path, { nil: undefined }),
    isAllow: fc.boolean(),
  })
  .map(({ redacts, isAllow, ...rest }) => ({
    ...rest,
    on: "tool.after",
    effect:
      redacts !== undefined
        ? { type: "redact", redact: [{ paths: [redacts] }] }
        : { type: isAllow ? "allow" : "block" },
  }));
const policy: fc.Arbitrary<Policy> = fc.record({
  name: fc.constantFrom("p", "q", "r"),
  rules: fc.array(rule, { maxLength: 2 }),
  flow: fc.option(
    fc.record({
      labels: fc.option(fc.constant(["x", "y"]), { nil: undefined }),
      sources: fc.array(
        fc.record({
          add: fc.array(label, { minLength: 1, maxLength: 2 }),
          fields: fc.array(path, { minLength: 1, maxLength: 1 }),
        }),
        { maxLength: 1 },
      ),
    }),
    { nil: undefined },
  ),
});

describe("checkPolicies", () => {
  it("finds an error exactly when the policies do not compile", () => {
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 2 }), (policies) => {
        const { policies: prepared, issues } = prepareExpressions(policies);
        let code: unknown = issues.length > 0 ? "HB_POLICY_EXPR_INVALID" : undefined;
        try {
          compile(prepared);
        } catch (error) {
          code ??= (error as { readonly code?: unknown }).code;
        }
        const errors = checkPolicies(policies, { tools: [TOOL] }).filter(({ severity }) => severity === "error");
        if (code === undefined) expect(errors).toEqual([]);
        else expect(errors.map((error) => error.code)).toContain(code);
      }),
      { numRuns: 1_000 },
    );
  });
});

const SCHEMA: JsonObject = { type: "object", properties: { a: { type: "number" } } };
const TOOL = { name: "a", argsSchema: SCHEMA };
