import type { Approval, ApprovalRequest, ApprovalStatus, JsonValue } from "@handlebar/protocol";
import type { AuditEntry } from "./audit-table.ts";
import type { Page, PageRequest } from "./page.ts";
import type { Notice } from "./webhooks-table.ts";

/** One person's answer. */
export interface ApprovalVote {
  readonly by: string;
  readonly status: "approved" | "denied";
  readonly comment: string | undefined;
  readonly atMs: number;
  /** The key that brought it. */
  readonly keyId?: string | undefined;
  /** Other arguments that it allows, and their fingerprint. */
  readonly edited?: { readonly args: JsonValue; readonly fingerprint: string } | undefined;
}

export interface ApprovalRecord {
  readonly workspaceId: string;
  readonly approval: Approval;
  readonly votes: readonly ApprovalVote[];
  /** The request that took its one use, so that the same request sent again gets the same answer. */
  readonly takenBy: string | undefined;
  /** The key that asked for it. */
  readonly requestedBy?: string | undefined;
}

/** It waits for an answer, or for its use. */
export function isOpen({ approval, takenBy }: ApprovalRecord): boolean {
  return approval.status === "pending" || (approval.status === "approved" && takenBy === undefined);
}

/** What is written of one approval, and beside it in the same transaction. */
export interface ApprovalWrite {
  readonly record: ApprovalRecord;
  /** An approval that comes of it. */
  readonly opened?: ApprovalRecord | undefined;
  readonly audit?: readonly AuditEntry[] | undefined;
  /** What webhooks are told. */
  readonly notices?: readonly Notice[] | undefined;
}

/** Changes one approval knowing all of it, under a lock; what it returns is written, `undefined` changes nothing. */
export type ApprovalChange = (record: ApprovalRecord) => ApprovalWrite | undefined;

export interface ApprovalFilter {
  readonly status?: ApprovalStatus | undefined;
  /** The run that asked. */
  readonly runId?: string | undefined;
  /** Those of one call. */
  readonly fingerprint?: string | undefined;
  readonly agent?: string | undefined;
  /** Those that wait for an answer or for their use. */
  readonly isOpen?: boolean | undefined;
}

export interface ApprovalsTable {
  /**
   * Under a lock on the workspace: hands the one with the request's id and the newest of its fingerprint to `choose`, oldest first, and writes what it
   * returns (a new record, a changed one). The change `approvals` is recorded when something was written.
   */
  claim(
    workspaceId: string,
    request: ApprovalRequest,
    choose: (known: readonly ApprovalRecord[]) => ApprovalWrite,
  ): Promise<ApprovalRecord>;
  get(workspaceId: string, approvalId: string): Promise<ApprovalRecord | undefined>;
  /** `undefined` when there is no such approval; records the change `approvals` for what was written. */
  update(workspaceId: string, approvalId: string, change: ApprovalChange): Promise<ApprovalRecord | undefined>;
  /** Newest first. */
  list(workspaceId: string, filter: ApprovalFilter, page: PageRequest): Promise<Page<ApprovalRecord>>;
  /** Those whose time is over and that have not ended yet, in whatever workspace, the one that is over longest first. */
  due(nowMs: number, limit: number): Promise<readonly { readonly workspaceId: string; readonly approvalId: string }[]>;
}
