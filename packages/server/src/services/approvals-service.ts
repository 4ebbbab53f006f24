import type { Approval, ApprovalAnswer, ApprovalRequest } from "@handlebar/protocol";
import { APPROVAL_EXPIRE_COUNT, CALL_APPROVAL_COUNT_MAX } from "../limits.ts";
import type { ApprovalFilter } from "../storage/approvals-table.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { Store } from "../storage/store.ts";
import { answerApproval, cancelApproval, claimApproval, isStanding, withExpiry } from "./approval-rules.ts";
import { type ApprovalCause, approvalWrite } from "./approval-story.ts";
import type { ChangeBatch, ChangeFeed } from "./change-feed.ts";
import type { Principal } from "./principal.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export type { ApprovalFilter } from "../storage/approvals-table.ts";

export interface ApprovalsServiceDeps {
  readonly store: Pick<Store, "approvals">;
  readonly runtime: Pick<ServerRuntime, "nowMs" | "after" | "newId">;
  readonly feed: Pick<ChangeFeed, "onChanges">;
}

/** Whoever asks: a key of a workspace, and whose it is. */
export type ApprovalPrincipal = Pick<Principal, "workspaceId" | "person"> & Partial<Pick<Principal, "keyId">>;

/** What became of one of several answers. */
export type BulkOutcome =
  | { readonly approvalId: string; readonly approval: Approval }
  | { readonly approvalId: string; readonly problem: ServiceProblem };

interface Waiting {
  readonly workspaceId: string;
  readonly approvalId: string;
  readonly wake: () => void;
}

/** People's answers to held calls. */
export class ApprovalsService {
  readonly #store: Pick<Store, "approvals">;
  readonly #runtime: Pick<ServerRuntime, "nowMs" | "after" | "newId">;
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
   * The approval that stands for exactly this call, whichever run asked for it, or a new one; an approved one is handed out once.
   * @throws ServiceProblem `HB_CONFLICT` where the id is another call's or was used.
   */
  async claim(principal: ApprovalPrincipal, request: ApprovalRequest): Promise<Approval> {
    const { workspaceId } = principal;
    const cause = this.#causeOf(principal);
    const record = await this.#store.approvals.claim(workspaceId, request, (known) => {
      const after = claimApproval(known, { workspaceId, request, hand: { ...principal, nowMs: cause.nowMs } });
      const before = known.find(({ approval }) => approval.approvalId === after.approval.approvalId);
      return before === after ? { record: after } : approvalWrite(before, after, cause);
    });
    return record.approval;
  }

  /** The newest approval of exactly this call that stands; nothing is changed. */
  async standing(workspaceId: string, fingerprint: string): Promise<Approval | undefined> {
    const nowMs = this.#runtime.nowMs();
    const page = await this.#store.approvals.list(workspaceId, { fingerprint }, { limit: CALL_APPROVAL_COUNT_MAX });
    return page.items.find((record) => isStanding(record, nowMs))?.approval;
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

  /**
   * Brings one person's answer.
   * @throws ServiceProblem `HB_NOT_FOUND`, `HB_CONFLICT` (answered, expired or cancelled already), `HB_APPROVAL_TERMS`, `HB_REQUEST_INVALID` (`args`).
   */
  async resolve(principal: ApprovalPrincipal, approvalId: string, answer: ApprovalAnswer): Promise<Approval> {
    const cause = this.#causeOf(principal);
    const { nowMs, newId } = cause;
    return this.#change(principal.workspaceId, approvalId, (known) => {
      const { record, opened } = answerApproval(known, answer, { ...principal, nowMs, newId });
      return approvalWrite(known, record, { ...cause, opened });
    });
  }

  /** Brings the same answer to several approvals, each on its own: one that is refused holds up no other. */
  async resolveAll(
    principal: ApprovalPrincipal,
    approvalIds: readonly string[],
    answer: ApprovalAnswer,
  ): Promise<readonly BulkOutcome[]> {
    const outcomes: BulkOutcome[] = [];
    for (const approvalId of new Set(approvalIds)) {
      try {
        outcomes.push({ approvalId, approval: await this.resolve(principal, approvalId, answer) });
      } catch (error) {
        if (!(error instanceof ServiceProblem)) throw error;
        outcomes.push({ approvalId, problem: error });
      }
    }
    return outcomes;
  }

  /** Takes a request, or an approval that was not used, back. @throws ServiceProblem `HB_NOT_FOUND`, `HB_CONFLICT` (over already). */
  async cancel(
    principal: ApprovalPrincipal,
    approvalId: string,
    { comment }: { readonly comment?: string | undefined } = {},
  ): Promise<Approval> {
    const cause = this.#causeOf(principal);
    const why = comment === undefined ? {} : { comment };
    return this.#change(principal.workspaceId, approvalId, (known) => {
      const after = cancelApproval(known, { nowMs: cause.nowMs, by: principal.person, ...why });
      return approvalWrite(known, after, cause);
    });
  }

  /** Newest first. */
  async list(workspaceId: string, filter: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    const nowMs = this.#runtime.nowMs();
    const { items, nextCursor } = await this.#store.approvals.list(workspaceId, filter, page);
    return { items: items.map((record) => withExpiry(record, nowMs).approval), nextCursor };
  }

  /** Writes down which ones were not answered, or not used, in time; for a job. */
  async expireDue(): Promise<number> {
    let count = 0;
    for (;;) {
      const due = await this.#store.approvals.due(this.#runtime.nowMs(), APPROVAL_EXPIRE_COUNT);
      for (const { workspaceId, approvalId } of due) await this.#expire(workspaceId, approvalId);
      count += due.length;
      if (due.length < APPROVAL_EXPIRE_COUNT) return count;
    }
  }

  async #expire(workspaceId: string, approvalId: string): Promise<void> {
    const cause = this.#causeOf();
    await this.#store.approvals.update(workspaceId, approvalId, (known) => {
      const after = withExpiry(known, cause.nowMs);
      return after === known ? undefined : approvalWrite(known, after, cause);
    });
    this.#wake((one) => one.workspaceId === workspaceId && one.approvalId === approvalId);
  }

  async #change(
    workspaceId: string,
    approvalId: string,
    change: Parameters<Store["approvals"]["update"]>[2],
  ): Promise<Approval> {
    const record = await this.#store.approvals.update(workspaceId, approvalId, change);
    if (record === undefined) throw noApproval(approvalId);
    this.#wake((one) => one.workspaceId === workspaceId && one.approvalId === approvalId);
    return record.approval;
  }

  #causeOf(principal?: ApprovalPrincipal): ApprovalCause {
    const { keyId, person } = principal ?? {};
    return { nowMs: this.#runtime.nowMs(), newId: () => this.#runtime.newId(), keyId, person };
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
