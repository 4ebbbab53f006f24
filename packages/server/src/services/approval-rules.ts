import type { Approval, ApprovalAnswer, ApprovalRequest } from "@handlebar/protocol";
import { APPROVAL_EXPIRY_SECONDS, APPROVAL_REPEAT_MS } from "../limits.ts";
import { type ApprovalRecord, type ApprovalVote, isOpen } from "../storage/approvals-table.ts";
import { callFingerprint } from "./call-fingerprint.ts";
import { ServiceProblem } from "./problem.ts";

/** Who does something to an approval, and when. */
export interface ApprovalHand {
  readonly nowMs: number;
  /** The key, where there is one. */
  readonly keyId?: string | undefined;
  /** Whose key it is, where it is one person's. */
  readonly person?: string | undefined;
}

/**
 * What a request for an approval comes to: the approval that stands for exactly this call, whichever run asked for it, or a new one. An approved one
 * is handed out once; the request that took it gets it again when it is sent again at once.
 * @throws ServiceProblem `HB_CONFLICT` where the id is another call's, or took its use long ago.
 */
export function claimApproval(
  known: readonly ApprovalRecord[],
  claim: { readonly workspaceId: string; readonly request: ApprovalRequest; readonly hand: ApprovalHand },
): ApprovalRecord {
  const { request, workspaceId } = claim;
  const { nowMs, keyId } = claim.hand;
  const current = known.map((record) => withExpiry(record, nowMs));
  const same = current.find(({ approval }) => approval.approvalId === request.approvalId);
  if (same !== undefined && same.approval.fingerprint !== request.fingerprint) {
    throw conflict(`approval \`${request.approvalId}\` is of another call; make a new \`approvalId\` for each call`);
  }
  const found = current.findLast((record) => answers(record, request, nowMs));
  if (found === undefined) {
    if (same !== undefined) {
      throw conflict(`approval \`${request.approvalId}\` was used; make a new \`approvalId\` for each call`);
    }
    const opened = { workspaceId, approval: newApproval(request, nowMs), votes: [], takenBy: undefined };
    return keyId === undefined ? opened : { ...opened, requestedBy: keyId };
  }
  if (found.approval.status !== "approved" || found.takenBy !== undefined) return found;
  const usedBy = { runId: request.runId, callId: request.callId };
  return { ...found, takenBy: request.approvalId, approval: { ...found.approval, usedAt: timeText(nowMs), usedBy } };
}

/** An approval after one more answer. */
export interface AnsweredApproval {
  readonly record: ApprovalRecord;
  /** The approval of the edited call, where people approved one. */
  readonly opened?: ApprovalRecord | undefined;
}

/**
 * The approval with one more answer; resolved once one person denied it, or as many as its terms ask for approved the same arguments. Where those are
 * others than its own, it is denied, and an approval of the call that has them is opened.
 * @throws ServiceProblem `HB_CONFLICT`, `HB_APPROVAL_TERMS`, `HB_REQUEST_INVALID`.
 */
export function answerApproval(
  record: ApprovalRecord,
  answer: ApprovalAnswer,
  hand: ApprovalHand & { readonly newId: () => string },
): AnsweredApproval {
  const current = openOrRefuse(record, hand.nowMs);
  const by = nameOf(answer, hand);
  checkTerms(current, by, hand);
  const vote = voteOf(current.approval, { answer, by }, hand);
  const votes = [...current.votes.filter((one) => one.by !== vote.by), vote];
  const voted = { ...current, votes, approval: { ...current.approval, votes: votes.map(shownVote) } };
  if (vote.status === "denied") return { record: resolve(voted, { status: "denied", deciding: [vote] }, hand) };
  const agreeing = votes.filter(
    (one) => one.status === "approved" && one.edited?.fingerprint === vote.edited?.fingerprint,
  );
  if (agreeing.length < (current.approval.terms?.approvalsNeeded ?? 1)) return { record: voted };
  if (vote.edited === undefined) {
    return { record: resolve(voted, { status: "approved", deciding: agreeing }, hand) };
  }
  return resolveEdited(voted, agreeing, hand);
}

/** The approval taken back: it is neither answered nor used any more. @throws ServiceProblem `HB_CONFLICT`. */
export function cancelApproval(
  record: ApprovalRecord,
  { nowMs, by, comment }: { readonly nowMs: number; readonly by?: string | undefined; readonly comment?: string },
): ApprovalRecord {
  const current = withExpiry(record, nowMs);
  if (!isOpen(current)) throw isOver(current.approval);
  return {
    ...current,
    approval: {
      ...current.approval,
      status: "cancelled",
      resolvedAt: timeText(nowMs),
      ...(by === undefined ? {} : { by }),
      ...(comment === undefined ? {} : { comment }),
    },
  };
}

/** The record as it is now: what nobody answered, or nobody used, in time has expired, whether that was written or not. */
export function withExpiry(record: ApprovalRecord, nowMs: number): ApprovalRecord {
  const { approval } = record;
  if (!isOpen(record) || nowMs < Date.parse(approval.expiresAt)) return record;
  return { ...record, approval: { ...approval, status: "expired", resolvedAt: approval.expiresAt } };
}

/** It is the answer to its call, or will be: a denial too counts until its time is over, and no longer. */
export function isStanding({ approval, takenBy }: ApprovalRecord, nowMs: number): boolean {
  if (takenBy !== undefined || approval.status === "cancelled" || approval.status === "expired") return false;
  return nowMs < Date.parse(approval.expiresAt);
}

function openOrRefuse(record: ApprovalRecord, nowMs: number): ApprovalRecord {
  const current = withExpiry(record, nowMs);
  if (current.approval.status !== "pending") throw isOver(current.approval);
  return current;
}

/** Whether an approval is the answer to a request for the same call. */
function answers(record: ApprovalRecord, request: ApprovalRequest, nowMs: number): boolean {
  const { approval, takenBy } = record;
  if (approval.fingerprint !== request.fingerprint) return false;
  if (takenBy !== undefined) {
    return takenBy === request.approvalId && nowMs < Date.parse(approval.usedAt ?? "") + APPROVAL_REPEAT_MS;
  }
  return approval.approvalId === request.approvalId || isStanding(record, nowMs);
}

function newApproval(request: ApprovalRequest, nowMs: number): Approval {
  const expiresAtMs = nowMs + (request.terms?.expiresInSeconds ?? APPROVAL_EXPIRY_SECONDS) * 1_000;
  const { agent, tool, args, actor, fingerprint } = request;
  const argsExact = args !== undefined && callFingerprint({ agent, tool, args, actor }) === fingerprint;
  return {
    ...request,
    argsExact,
    status: "pending",
    requestedAt: timeText(nowMs),
    expiresAt: timeText(expiresAtMs),
  };
}

/** Who answers: a person's own key says it, and nothing else then does. */
function nameOf({ by }: ApprovalAnswer, { person }: ApprovalHand): string | undefined {
  if (person === undefined || by === undefined || by === person) return person ?? by;
  throw notAllowed(`must be \`${person}\`, whose key this is, or be left out`);
}

function checkTerms({ approval, requestedBy }: ApprovalRecord, by: string | undefined, hand: ApprovalHand): void {
  const { terms, actor } = approval;
  if (terms?.approvers !== undefined && (by === undefined || !terms.approvers.includes(by))) {
    throw notAllowed("is not among the approvers that the rule names");
  }
  if (terms?.notRequester === true && (by === undefined || by === actor?.externalId)) {
    throw notAllowed("must name somebody other than the actor whom the run acts for");
  }
  if (terms?.notRequester === true && requestedBy !== undefined && requestedBy === hand.keyId) {
    throw notAllowed("cannot be answered for with the key that asked; use another one");
  }
  if ((terms?.approvalsNeeded ?? 1) > 1 && by === undefined) {
    throw notAllowed("is missing; several people must answer, so say who this one is");
  }
}

function voteOf(
  { agent, tool, actor, fingerprint }: Approval,
  { answer, by }: { readonly answer: ApprovalAnswer; readonly by: string | undefined },
  { nowMs, keyId }: ApprovalHand,
): ApprovalVote {
  const { status, comment, args } = answer;
  const vote = { by: by ?? "", status, comment, atMs: nowMs, ...(keyId === undefined ? {} : { keyId }) };
  if (args === undefined) return vote;
  if (status === "denied")
    throw wrongArgs("cannot be given with `denied`; leave it out, or approve the call with them");
  const edited = callFingerprint({ agent, tool, args, actor });
  if (edited === undefined) throw wrongArgs("is too large for an approval to be bound to; make it smaller");
  return edited === fingerprint ? vote : { ...vote, edited: { args, fingerprint: edited } };
}

function resolve(
  record: ApprovalRecord,
  { status, deciding }: { readonly status: "approved" | "denied"; readonly deciding: readonly ApprovalVote[] },
  { nowMs }: ApprovalHand,
): ApprovalRecord {
  const by = deciding
    .map((vote) => vote.by)
    .filter((name) => name !== "")
    .join(", ");
  const comment = deciding.at(-1)?.comment;
  return {
    ...record,
    approval: {
      ...record.approval,
      status,
      ...(by === "" ? {} : { by }),
      ...(comment === undefined ? {} : { comment }),
      resolvedAt: timeText(nowMs),
    },
  };
}

function resolveEdited(
  record: ApprovalRecord,
  deciding: readonly ApprovalVote[],
  hand: ApprovalHand & { readonly newId: () => string },
): AnsweredApproval {
  const edited = deciding.at(-1)?.edited;
  if (edited === undefined) throw new TypeError("an edited approval has the arguments that were agreed on");
  const approvalId = hand.newId();
  const { args, fingerprint } = edited;
  const denied = resolve(record, { status: "denied", deciding }, hand);
  const granted = resolve(record, { status: "approved", deciding }, hand);
  return {
    record: { ...denied, approval: { ...denied.approval, edited: { approvalId, args } } },
    opened: {
      ...granted,
      approval: {
        ...granted.approval,
        approvalId,
        fingerprint,
        args,
        argsExact: true,
        requestedAt: timeText(hand.nowMs),
        editedFrom: record.approval.approvalId,
      },
    },
  };
}

function shownVote({ by, status, comment, atMs, keyId, edited }: ApprovalVote): NonNullable<Approval["votes"]>[number] {
  return {
    status,
    at: timeText(atMs),
    ...(by === "" ? {} : { by }),
    ...(comment === undefined ? {} : { comment }),
    ...(keyId === undefined ? {} : { keyId }),
    ...(edited === undefined ? {} : { args: edited.args }),
  };
}

function notAllowed(what: string): ServiceProblem {
  return new ServiceProblem("forbidden", "HB_APPROVAL_TERMS", { message: `\`by\` ${what}`, field: "by" });
}

function wrongArgs(what: string): ServiceProblem {
  return new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message: `\`args\` ${what}`, field: "args" });
}

function isOver({ status, usedAt }: Approval): ServiceProblem {
  const is = usedAt === undefined ? `${status} already` : "used already";
  return new ServiceProblem("conflict", "HB_CONFLICT", { message: `the approval is ${is}; that cannot be changed` });
}

function conflict(message: string): ServiceProblem {
  return new ServiceProblem("conflict", "HB_CONFLICT", { message, field: "approvalId" });
}

function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
