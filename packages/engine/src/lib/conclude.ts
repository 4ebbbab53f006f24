import type { Cause, Control, Verdict } from "@handlebar/protocol";
import { findSpentBudget } from "./budget.ts";
import { SEVERITY } from "./compiled-rule.ts";
import type { ApprovalFact } from "./facts.ts";
import type { Frame } from "./frame.ts";
import type { Tally } from "./tally.ts";

/** What becomes of a call. */
export interface Conclusion {
  readonly verdict: Verdict;
  readonly control: Control;
  readonly cause: Cause;
  readonly finalRuleId: string | undefined;
}

/** What the rules that matched make of the call. */
export function conclude(tally: Tally, frame: Frame): Conclusion {
  if (tally.severity === SEVERITY.block) return concludeBlock(tally, frame);
  if (tally.severity === SEVERITY.hitl) return concludeHold(tally, frame);
  return { verdict: "ALLOW", control: "CONTINUE", cause: { kind: "ALLOW" }, finalRuleId: tally.winner?.ruleId };
}

function concludeBlock(tally: Tally, frame: Frame): Conclusion {
  const isHoldOpen = frame.facts.approval?.status !== "approved";
  const terminates = tally.blockTerminates || (tally.holdTerminates && isHoldOpen);
  return {
    verdict: "BLOCK",
    control: terminates ? "TERMINATE" : "CONTINUE",
    cause: blockCause(tally, frame),
    finalRuleId: tally.winner?.ruleId,
  };
}

function blockCause({ winner, isUnavailable }: Tally, frame: Frame): Cause {
  if (isUnavailable) return { kind: "UNAVAILABLE", code: "HB_READING_UNAVAILABLE" };
  const ruleId = winner?.ruleId ?? "";
  const policyId = winner?.policyId ?? "";
  const spent = findSpentBudget(winner?.condition, frame);
  if (spent === undefined) return { kind: "RULE_VIOLATION", ruleId, policyId };
  return {
    kind: "BUDGET_EXHAUSTED",
    ruleId,
    policyId,
    ...(spent.resetAtMs === undefined ? {} : { resetAt: spent.resetAtMs }),
  };
}

/** The approval is of exactly this call, so it answers every rule that holds it. */
function concludeHold({ winner, holdTerminates }: Tally, frame: Frame): Conclusion {
  const approval = frame.facts.approval;
  const finalRuleId = winner?.ruleId;
  if (approval?.status === "approved") {
    return { verdict: "ALLOW", control: "CONTINUE", cause: answered("HITL_APPROVED", approval), finalRuleId };
  }
  const cause: Cause =
    approval?.status === "denied"
      ? {
          ...answered("HITL_DENIED", approval),
          ...(approval.instead === undefined ? {} : { instead: approval.instead }),
        }
      : {
          kind: "HITL_PENDING",
          ...(approval === undefined ? {} : { approvalId: approval.approvalId }),
          ruleId: winner?.ruleId ?? "",
          policyId: winner?.policyId ?? "",
        };
  return { verdict: "BLOCK", control: holdTerminates ? "TERMINATE" : "CONTINUE", cause, finalRuleId };
}

function answered<K extends "HITL_APPROVED" | "HITL_DENIED">(
  kind: K,
  { approvalId, by }: ApprovalFact,
): { readonly kind: K; readonly approvalId: string; readonly by?: string } {
  return { kind, approvalId, ...(by === undefined ? {} : { by }) };
}

/** Whether two conclusions mean the same for the agent. */
export function isSameConclusion(a: Conclusion, b: Conclusion): boolean {
  return a.verdict === b.verdict && a.control === b.control && isSameCause(a.cause, b.cause);
}

function isSameCause(a: Cause, b: Cause): boolean {
  const left: Readonly<Record<string, unknown>> = { ...a };
  const right: Readonly<Record<string, unknown>> = { ...b };
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}
