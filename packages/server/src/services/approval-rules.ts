import type { Approval, ApprovalAnswer, ApprovalRequest } from "@handlebar/protocol";
import { APPROVAL_EXPIRY_SECONDS } from "../limits.ts";
import type { ApprovalRecord } from "../storage/approvals-table.ts";
import { ServiceProblem } from "./problem.ts";

/**
 * What a request for an approval comes to: the approval that stands for exactly this call of the run, or a new one. An approved one is handed out
 * once; the request that took it gets it again when it is sent again.
 */
export function claimApproval(
  known: readonly ApprovalRecord[],
  claim: { readonly workspaceId: string; readonly request: ApprovalRequest; readonly nowMs: number },
): ApprovalRecord {
  const { request, nowMs, workspaceId } = claim;
  const current = known.map((record) => withExpiry(record, nowMs));
  const same = current.find(({ approval }) => approval.approvalId === request.approvalId);
  if (same !== undefined && !isSameCall(same.approval, request)) {
    throw new ServiceProblem("conflict", "HB_CONFLICT", {
      message: `approval \`${request.approvalId}\` is of another call; make a new \`approvalId\` for each call`,
      field: "approvalId",
    });
  }
  const found = current.findLast((record) => answers(record, request));
  if (found === undefined) return { workspaceId, approval: newApproval(request, nowMs), votes: [], takenBy: undefined };
  if (found.approval.status !== "approved" || found.takenBy !== undefined) return found;
  return { ...found, takenBy: request.approvalId, approval: { ...found.approval, usedAt: timeText(nowMs) } };
}

/** The approval with one more answer; resolved once it has as many as its terms ask for. @throws ServiceProblem */
export function answerApproval(record: ApprovalRecord, answer: ApprovalAnswer, nowMs: number): ApprovalRecord {
  const current = withExpiry(record, nowMs);
  const { approval } = current;
  if (approval.status !== "pending") {
    throw new ServiceProblem("conflict", "HB_CONFLICT", {
      message: `the approval is ${approval.status} already; its answer cannot be changed`,
    });
  }
  checkTerms(approval, answer);
  const { status, by = "", comment } = answer;
  const votes = [...current.votes.filter((vote) => vote.by !== by), { by, status, comment, atMs: nowMs }];
  const approvedBy = new Set(votes.filter((vote) => vote.status === "approved").map((vote) => vote.by));
  const isDone = status === "denied" || approvedBy.size >= (approval.terms?.approvalsNeeded ?? 1);
  if (!isDone) return { ...current, votes };
  const names = status === "denied" ? [by] : [...approvedBy];
  const given = names.filter((name) => name !== "").join(", ");
  return {
    ...current,
    votes,
    approval: {
      ...approval,
      status,
      ...(given === "" ? {} : { by: given }),
      ...(comment === undefined ? {} : { comment }),
      resolvedAt: timeText(nowMs),
    },
  };
}

/** The record as it is now: what nobody answered in time has expired, whether that was written or not. */
export function withExpiry(record: ApprovalRecord, nowMs: number): ApprovalRecord {
  const { approval } = record;
  const isOver = approval.status === "pending" && nowMs >= Date.parse(approval.expiresAt);
  return isOver ? { ...record, approval: { ...approval, status: "expired", resolvedAt: approval.expiresAt } } : record;
}

function isSameCall(approval: Approval, request: ApprovalRequest): boolean {
  return approval.fingerprint === request.fingerprint && approval.runId === request.runId;
}

function answers({ approval, takenBy }: ApprovalRecord, request: ApprovalRequest): boolean {
  if (!isSameCall(approval, request)) return false;
  if (approval.approvalId === request.approvalId || takenBy === request.approvalId) return true;
  return takenBy === undefined && approval.status !== "expired" && approval.status !== "cancelled";
}

function newApproval(request: ApprovalRequest, nowMs: number): Approval {
  const expiresAtMs = nowMs + (request.terms?.expiresInSeconds ?? APPROVAL_EXPIRY_SECONDS) * 1_000;
  return { ...request, status: "pending", requestedAt: timeText(nowMs), expiresAt: timeText(expiresAtMs) };
}

function checkTerms({ terms, actor }: Approval, { by }: ApprovalAnswer): void {
  if (terms?.approvers !== undefined && (by === undefined || !terms.approvers.includes(by))) {
    throw notAllowed("is not among the approvers that the rule names");
  }
  if (terms?.notRequester === true && (by === undefined || by === actor?.externalId)) {
    throw notAllowed("must name somebody other than the actor whom the run acts for");
  }
  if ((terms?.approvalsNeeded ?? 1) > 1 && by === undefined) {
    throw notAllowed("is missing; several people must answer, so say who this one is");
  }
}

function notAllowed(what: string): ServiceProblem {
  return new ServiceProblem("forbidden", "HB_APPROVAL_TERMS", { message: `\`by\` ${what}`, field: "by" });
}

function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
