import type { Approval, ApprovalAnswer, ApprovalRequest, ApprovalStatus } from "@handlebar/protocol";
import { APPROVAL_EXPIRE_COUNT, STANDING_APPROVAL_COUNT_MAX } from "../limits.ts";
import type { ApprovalRecord } from "../storage/approvals-table.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { Store } from "../storage/store.ts";
import { answerApproval, claimApproval, withExpiry } from "./approval-rules.ts";
import type { ChangeBatch, ChangeFeed } from "./change-feed.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export interface ApprovalsServiceDeps {
  readonly store: Pick<Store, "approvals">;
  readonly runtime: Pick<ServerRuntime, "nowMs" | "after">;
  readonly feed: Pick<ChangeFeed, "onChanges">;
}

export interface ApprovalFilter {
  readonly status?: ApprovalStatus | undefined;
  readonly runId?: string | undefined;
  readonly agent?: string | undefined;
}

interface Waiting {
  readonly workspaceId: string;
  readonly approvalId: string;
  readonly wake: () => void;
}

/** People's answers to held calls. */
export class ApprovalsService {
  readonly #store: Pick<Store, "approvals">;
  readonly #runtime: Pick<ServerRuntime, "nowMs" | "after">;
  readonly #waiting = new Set<Waiting>();

  constructor({ store, runtime, feed }: ApprovalsServiceDeps) {
    this.#store = store;
    this.#runtime = runtime;
    feed.onChanges((batch) => this.#onChanges(batch));
  }

  /** Requests that wait for an answer. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * The approval that stands for exactly this call of the run, or a new one; an approved one is handed out once.
   * @throws ServiceProblem `HB_CONFLICT` where the id is another call's.
   */
  async claim(workspaceId: string, request: ApprovalRequest): Promise<Approval> {
    const nowMs = this.#runtime.nowMs();
    const choose = (known: Parameters<typeof claimApproval>[0]): ReturnType<typeof claimApproval> =>
      claimApproval(known, { workspaceId, request, nowMs });
    return (await this.#store.approvals.claim(workspaceId, request, choose)).approval;
  }

  /** The newest approval of exactly this call of the run that was not used, among the newest of the run; nothing is changed. */
  async standing(
    workspaceId: string,
    { runId, fingerprint }: { readonly runId: string; readonly fingerprint: string },
  ): Promise<Approval | undefined> {
    const nowMs = this.#runtime.nowMs();
    const page = await this.#store.approvals.list(workspaceId, { runId }, { limit: STANDING_APPROVAL_COUNT_MAX });
    const isOpen = ({ approval, takenBy }: ApprovalRecord): boolean => {
      if (takenBy !== undefined || approval.fingerprint !== fingerprint) return false;
      return approval.status !== "expired" && approval.status !== "cancelled";
    };
    return page.items.map((record) => withExpiry(record, nowMs)).find(isOpen)?.approval;
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get(workspaceId: string, approvalId: string): Promise<Approval> {
    const record = await this.#store.approvals.get(workspaceId, approvalId);
    if (record === undefined) throw noApproval(approvalId);
    return withExpiry(record, this.#runtime.nowMs()).approval;
  }

  /** Answers when the approval is no longer pending, after `waitMs`, or when `signal` fires. @throws ServiceProblem `HB_NOT_FOUND`. */
  async wait(
    workspaceId: string,
    approvalId: string,
    { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<Approval> {
    const untilMs = this.#runtime.nowMs() + waitMs;
    for (;;) {
      // Whoever waits is known before it is read, so that no answer falls in between.
      const change = this.#nextChange(workspaceId, approvalId);
      try {
        const approval = await this.get(workspaceId, approvalId);
        const nowMs = this.#runtime.nowMs();
        const leftMs = Math.min(untilMs, Date.parse(approval.expiresAt)) - nowMs;
        if (approval.status !== "pending" || nowMs >= untilMs || signal.aborted) return approval;
        await this.#orAfter(change.told, Math.max(0, leftMs), signal);
      } finally {
        change.end();
      }
    }
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`, `HB_CONFLICT` (answered or expired already), `HB_APPROVAL_TERMS`. */
  async resolve(workspaceId: string, approvalId: string, answer: ApprovalAnswer): Promise<Approval> {
    const nowMs = this.#runtime.nowMs();
    const record = await this.#store.approvals.update(workspaceId, approvalId, (known) =>
      answerApproval(known, answer, nowMs),
    );
    if (record === undefined) throw noApproval(approvalId);
    this.#wake((one) => one.workspaceId === workspaceId && one.approvalId === approvalId);
    return record.approval;
  }

  /** Newest first. */
  async list(workspaceId: string, filter: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    const nowMs = this.#runtime.nowMs();
    const { items, nextCursor } = await this.#store.approvals.list(workspaceId, filter, page);
    return { items: items.map((record) => withExpiry(record, nowMs).approval), nextCursor };
  }

  /** Writes down which ones were not answered in time; for a job. */
  async expireDue(): Promise<number> {
    let count = 0;
    for (;;) {
      const ended = await this.#store.approvals.expire(this.#runtime.nowMs(), APPROVAL_EXPIRE_COUNT);
      count += ended;
      if (ended < APPROVAL_EXPIRE_COUNT) return count;
    }
  }

  #nextChange(workspaceId: string, approvalId: string): { readonly told: Promise<void>; readonly end: () => void } {
    let wake: () => void = () => undefined;
    const told = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const waiting: Waiting = { workspaceId, approvalId, wake };
    this.#waiting.add(waiting);
    return { told, end: () => this.#waiting.delete(waiting) };
  }

  #orAfter(told: Promise<void>, delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = this.#runtime.after(delayMs, done);
      signal.addEventListener("abort", done);
      void told.then(done);
    });
  }

  #onChanges({ workspaceId, changes, isComplete }: ChangeBatch): void {
    const ids = new Set(changes.filter(({ kind }) => kind === "approvals").map(({ ref }) => ref));
    if (isComplete && ids.size === 0) return;
    this.#wake((one) => one.workspaceId === workspaceId && (!isComplete || ids.has(one.approvalId)));
  }

  #wake(isFor: (waiting: Waiting) => boolean): void {
    for (const waiting of [...this.#waiting]) if (isFor(waiting)) waiting.wake();
  }
}

function noApproval(approvalId: string): ServiceProblem {
  return new ServiceProblem("not-found", "HB_NOT_FOUND", {
    message: `there is no approval \`${approvalId}\` in this workspace`,
    field: "approvalId",
  });
}
