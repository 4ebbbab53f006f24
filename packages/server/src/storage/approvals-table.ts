import type { Approval, ApprovalRequest, ApprovalStatus } from "@handlebar/protocol";
import type { Page, PageRequest } from "./page.ts";

/** One person's answer. */
export interface ApprovalVote {
  readonly by: string;
  readonly status: "approved" | "denied";
  readonly comment: string | undefined;
  readonly atMs: number;
}

export interface ApprovalRecord {
  readonly workspaceId: string;
  readonly approval: Approval;
  readonly votes: readonly ApprovalVote[];
  /** The request that took its one use, so that the same request sent again gets the same answer. */
  readonly takenBy: string | undefined;
}

/** Changes one approval knowing all of it, under a lock; what it returns is written, `undefined` changes nothing. */
export type ApprovalChange = (record: ApprovalRecord) => ApprovalRecord | undefined;

export interface ApprovalsTable {
  /**
   * Under a lock on the run's approvals: hands the ones that exist for this fingerprint of the run (and the one with the request's id) to `choose`, oldest
   * first, and writes what it returns (a new record, a changed one). The change `approvals` is recorded when something was written.
   */
  claim(
    workspaceId: string,
    request: ApprovalRequest,
    choose: (known: readonly ApprovalRecord[]) => ApprovalRecord,
  ): Promise<ApprovalRecord>;
  get(workspaceId: string, approvalId: string): Promise<ApprovalRecord | undefined>;
  /** `undefined` when there is no such approval; records the change `approvals` when something was written. */
  update(workspaceId: string, approvalId: string, change: ApprovalChange): Promise<ApprovalRecord | undefined>;
  /** Newest first. */
  list(
    workspaceId: string,
    filter: {
      readonly status?: ApprovalStatus | undefined;
      readonly runId?: string | undefined;
      readonly agent?: string | undefined;
    },
    page: PageRequest,
  ): Promise<Page<ApprovalRecord>>;
  /** Ends pending ones whose time has passed as `expired`, recording the change `approvals` for each. */
  expire(nowMs: number, limit: number): Promise<number>;
}
