import { fingerprint, type Runtime } from "@handlebar/core";
import type { Approval, ApprovalAnswer, ApprovalRequest, JsonValue } from "@handlebar/protocol";
import { notFound, RequestProblem } from "./plane-answer.ts";

interface Held {
  approval: Approval;
  /** Who approved, by the fingerprint of what they approved. */
  readonly approvedBy: Map<string, Set<string>>;
  /** The request that took its one use, so that the same request sent again gets the same answer. */
  takenBy: string | undefined;
  readonly waiting: Set<() => void>;
}

const EXPIRY_SECONDS = 3_600;

/** Approvals: one for a fingerprint, its answer handed out once. */
export class ApprovalBook {
  readonly #runtime: Pick<Runtime, "clock" | "timers" | "newId">;
  readonly #held: Held[] = [];
  /** Told of every answer. */
  onResolved: (approval: Approval) => void = () => undefined;

  constructor(runtime: Pick<Runtime, "clock" | "timers" | "newId">) {
    this.#runtime = runtime;
  }

  list(): readonly Approval[] {
    return this.#held.map((held) => this.#fresh(held).approval);
  }

  get(approvalId: string): Approval {
    return this.#fresh(this.#find(approvalId)).approval;
  }

  /** Opens a request; where one for the same call stands, whichever run asked, answers with it, and hands out an approval once. */
  claim(request: ApprovalRequest): Approval {
    const same = this.#held.find((held) => held.approval.approvalId === request.approvalId);
    if (same !== undefined && same.approval.fingerprint !== request.fingerprint) {
      throw new RequestProblem(409, "HB_API_REJECTED", {
        title: "approvalId belongs to another call",
        field: "approvalId",
      });
    }
    const held = this.#held.findLast((one) => this.#answers(one, request));
    if (held === undefined) return this.#open(request).approval;
    if (held.approval.status === "approved" && held.takenBy === undefined) {
      held.takenBy = request.approvalId;
      const { runId, callId } = request;
      held.approval = { ...held.approval, usedAt: this.#now(), usedBy: { runId, callId } };
    }
    return held.approval;
  }

  resolve(approvalId: string, answer: ApprovalAnswer): Approval {
    const held = this.#fresh(this.#find(approvalId));
    const { approval } = held;
    if (approval.status !== "pending") {
      throw new RequestProblem(409, "HB_API_REJECTED", { title: `approval is ${approval.status} already` });
    }
    checkApprover(approval, answer);
    const { args, ...given } = answer;
    const bound = answer.status === "approved" ? boundTo(approval, args) : approval.fingerprint;
    if (answer.status === "approved") {
      for (const others of held.approvedBy.values()) others.delete(answer.by ?? "");
      const agreeing = (held.approvedBy.get(bound) ?? new Set<string>()).add(answer.by ?? "");
      held.approvedBy.set(bound, agreeing);
      if (agreeing.size < (approval.terms?.approvalsNeeded ?? 1)) return approval;
    }
    const resolved = { ...approval, ...given, resolvedAt: this.#now() };
    if (args === undefined || bound === approval.fingerprint) return this.#settle(held, resolved);
    const edited = { approvalId: this.#runtime.newId(), args };
    this.#held.push({
      approval: { ...resolved, ...edited, fingerprint: bound, editedFrom: approvalId },
      approvedBy: new Map(),
      takenBy: undefined,
      waiting: new Set(),
    });
    return this.#settle(held, { ...resolved, status: "denied", edited });
  }

  /** Takes back what is open still. */
  cancel(approvalId: string): Approval {
    const held = this.#fresh(this.#find(approvalId));
    if (!isOpen(held)) throw new RequestProblem(409, "HB_API_REJECTED", { title: "approval is over already" });
    return this.#settle(held, { ...held.approval, status: "cancelled", resolvedAt: this.#now() });
  }

  /** Answers when the approval is no longer pending, or after `waitMs`. */
  async wait(approvalId: string, waitMs: number, signal: AbortSignal): Promise<Approval> {
    const held = this.#find(approvalId);
    if (this.#fresh(held).approval.status === "pending" && waitMs > 0) {
      await new Promise<void>((resolve) => {
        const leftMs = Date.parse(held.approval.expiresAt) - this.#runtime.clock.nowMs();
        const timer = this.#runtime.timers.set(resolve, Math.min(waitMs, leftMs));
        signal.addEventListener("abort", () => resolve(), { once: true });
        held.waiting.add(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    return this.#fresh(held).approval;
  }

  #settle(held: Held, approval: Approval): Approval {
    held.approval = approval;
    for (const wake of held.waiting) wake();
    this.onResolved(approval);
    return approval;
  }

  #open(request: ApprovalRequest): Held {
    const nowMs = this.#runtime.clock.nowMs();
    const expiresAtMs = nowMs + (request.terms?.expiresInSeconds ?? EXPIRY_SECONDS) * 1_000;
    const approval: Approval = {
      ...request,
      status: "pending",
      requestedAt: new Date(nowMs).toISOString(),
      expiresAt: new Date(expiresAtMs).toISOString(),
    };
    const held: Held = { approval, approvedBy: new Map(), takenBy: undefined, waiting: new Set() };
    this.#held.push(held);
    return held;
  }

  #answers(held: Held, request: ApprovalRequest): boolean {
    const { approval } = this.#fresh(held);
    if (approval.fingerprint !== request.fingerprint) return false;
    if (approval.approvalId === request.approvalId || held.takenBy === request.approvalId) return true;
    if (held.takenBy !== undefined || approval.status === "cancelled") return false;
    return this.#runtime.clock.nowMs() < Date.parse(approval.expiresAt);
  }

  #find(approvalId: string): Held {
    const held = this.#held.find((one) => one.approval.approvalId === approvalId);
    if (held === undefined) throw notFound(`approval \`${approvalId}\``);
    return held;
  }

  #fresh(held: Held): Held {
    const { approval } = held;
    const isOver = this.#runtime.clock.nowMs() >= Date.parse(approval.expiresAt);
    if (isOpen(held) && isOver) held.approval = { ...approval, status: "expired" };
    return held;
  }

  #now(): string {
    return new Date(this.#runtime.clock.nowMs()).toISOString();
  }
}

function isOpen({ approval, takenBy }: Pick<Held, "approval" | "takenBy">): boolean {
  return approval.status === "pending" || (approval.status === "approved" && takenBy === undefined);
}

function boundTo({ agent, tool, actor, fingerprint: own }: Approval, args: JsonValue | undefined): string {
  if (args === undefined) return own;
  const bound = fingerprint({ agent, tool, args, actor });
  if (bound === undefined)
    throw new RequestProblem(400, "HB_API_REJECTED", { title: "args is too large", field: "args" });
  return bound;
}

function checkApprover(approval: Approval, { by }: ApprovalAnswer): void {
  const { terms } = approval;
  if (terms?.approvers !== undefined && (by === undefined || !terms.approvers.includes(by))) {
    throw new RequestProblem(403, "HB_API_REJECTED", { title: "by is not among the approvers", field: "by" });
  }
  if (terms?.notRequester === true && (by === undefined || by === approval.actor?.externalId)) {
    throw new RequestProblem(403, "HB_API_REJECTED", { title: "by must be another than the actor", field: "by" });
  }
}
