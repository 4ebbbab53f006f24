import type { Approval, ApprovalAnswer, ApprovalRequest } from "@handlebar/protocol";

/** The user's own way to ask a person; used where there is no control plane. */
export type ApprovalHandler = (
  request: ApprovalRequest,
  signal: AbortSignal,
) => Promise<ApprovalAnswer> | ApprovalAnswer;

/** What became of a request: the fields of an approval that a decision needs. */
export type ApprovalState = Pick<Approval, "approvalId" | "status"> & {
  readonly by?: string | undefined;
  readonly comment?: string | undefined;
  /** Other arguments were approved in place of the call's own. */
  readonly edited?: Pick<NonNullable<Approval["edited"]>, "args"> | undefined;
};

/**
 * Who holds approvals: the control plane, or this process. `claim` asks for one and, when one for the same fingerprint
 * was already answered, takes that answer: an approval is handed out as `approved` exactly once.
 */
export interface ApprovalDesk {
  claim(request: ApprovalRequest): Promise<ApprovalState>;
  /** Resolves when the approval is no longer pending, or after `waitMs`; never takes its one use. */
  wait(approvalId: string, waitMs: number, signal: AbortSignal): Promise<void>;
}
