import type { CaseExpectation, Decision } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { type Observation, unmetExpectations } from "./case-expectation.ts";

const ALLOW: Decision = {
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  message: "fine",
  evaluatedRules: [],
};
const BLOCK: Decision = {
  ...ALLOW,
  verdict: "BLOCK",
  cause: { kind: "RULE_VIOLATION", ruleId: "r", policyId: "p" },
  message: "refunds are closed",
};
const HITL: Decision = { ...BLOCK, cause: { kind: "HITL_PENDING" } };
const REDACT: Decision = { ...ALLOW, redactions: [{ paths: ["a"], ruleId: "r", policyId: "p" }] };
const ENDED: Decision = { ...BLOCK, control: "TERMINATE", cause: { kind: "RUN_ENDED" } };

const seen = (decision: Decision, more: Partial<Observation> = {}): Observation => {
  const ruleNames = decision.verdict === "BLOCK" && decision.cause.kind !== "RUN_ENDED" ? ["r", "no refunds"] : [];
  return {
    decision,
    ruleNames,
    payload: { args: { amount: 9, to: ["x"] } },
    labels: ["private", "untrusted"],
    ...more,
  };
};

describe("unmetExpectations", () => {
  it.each<[CaseExpectation | undefined, Decision]>([
    [undefined, ALLOW],
    [undefined, REDACT],
    ["ALLOW", ALLOW],
    ["BLOCK", BLOCK],
    ["BLOCK", ENDED],
    ["HITL", HITL],
    ["REDACT", REDACT],
    [{}, BLOCK],
    [{ verdict: "BLOCK", control: "TERMINATE", cause: "RUN_ENDED" }, ENDED],
    [{ rule: "no refunds", message: "closed" }, BLOCK],
    [{ rule: "r" }, HITL],
    [{ args: { to: ["x"], amount: 9 } }, REDACT],
    [{ labels: ["untrusted", "private"] }, ALLOW],
    [{ verdict: "ALLOW", shadow: "ALLOW" }, ALLOW],
    [
      { verdict: "ALLOW", shadow: "HITL" },
      { ...ALLOW, shadow: { verdict: "BLOCK", control: "CONTINUE", cause: { kind: "HITL_PENDING" } } },
    ],
    [
      { shadow: "REDACT" },
      { ...ALLOW, shadow: { verdict: "ALLOW", control: "CONTINUE", cause: { kind: "ALLOW" }, redacts: true } },
    ],
  ])("%j is met", (expected, decision) => {
    expect(unmetExpectations(expected, seen(decision))).toEqual([]);
  });

  it.each<[CaseExpectation | undefined, Decision, readonly string[]]>([
    [undefined, BLOCK, ["expected the call to be let through, got BLOCK by rule `no refunds`"]],
    [undefined, ENDED, ["expected the call to be let through, got BLOCK (RUN_ENDED)"]],
    ["BLOCK", ALLOW, ["expected BLOCK, got ALLOW: no rule matched"]],
    ["BLOCK", HITL, ["expected BLOCK, got HITL by rule `no refunds`"]],
    ["ALLOW", REDACT, ["expected ALLOW, got REDACT (ALLOW)"]],
    [
      { verdict: "HITL", control: "TERMINATE", cause: "HITL_PENDING" },
      BLOCK,
      [
        "expected HITL, got BLOCK by rule `no refunds`",
        "expected control TERMINATE, got CONTINUE",
        "expected cause HITL_PENDING, got RULE_VIOLATION",
      ],
    ],
    [{ rule: "other" }, BLOCK, ["expected rule `other` to decide, and it was `no refunds`"]],
    [{ rule: "other" }, ALLOW, ["expected rule `other` to decide, and no rule did"]],
    [{ message: "open" }, BLOCK, ["expected a message that contains `open`, got `refunds are closed`"]],
    [{ shadow: "BLOCK" }, ALLOW, ["expected BLOCK if shadow rules were enforced, got ALLOW"]],
    [{ args: { amount: 9 } }, REDACT, ['expected args {"amount":9}, got {"amount":9,"to":["x"]}']],
    [
      { args: { amount: 9, to: { 0: "x" } } },
      REDACT,
      ['expected args {"amount":9,"to":{"0":"x"}}, got {"amount":9,"to":["x"]}'],
    ],
    [{ result: null }, ALLOW, ["expected result null, got none"]],
    [{ labels: ["private"] }, ALLOW, ["expected labels [private], got [private, untrusted]"]],
  ])("%j is not met", (expected, decision, unmet) => {
    expect(unmetExpectations(expected, seen(decision))).toEqual(unmet);
  });
});
