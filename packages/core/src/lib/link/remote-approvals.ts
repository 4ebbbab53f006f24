import {
  type Approval,
  type ApprovalAnswerBody,
  type ApprovalRequest,
  approvalAnswerBodySchema,
} from "@handlebar/protocol";
import type { ApprovalDesk, ApprovalState } from "../approvals.ts";
import type { Runtime } from "../runtime.ts";
import type { ApiAnswer, ApiClient } from "./api-client.ts";
import { LINK_TIMES } from "./link-times.ts";
import { Pause } from "./wait.ts";

/** One call that waits for a person. */
interface Waiter {
  readonly pause: Pause;
  /** The live link told of the answer. */
  isTold: boolean;
}

type Look = ApiAnswer<ApprovalAnswerBody>;

/**
 * Approvals that the control plane holds. It hands an approval out once, to the client that claims it. Whoever waits is told by the live link; a
 * look now and then finds what the link lost, and long polls stand in for it while it does not stream.
 */
export class RemoteApprovals implements ApprovalDesk {
  readonly #runtime: Runtime;
  readonly #api: ApiClient;
  readonly #requestTimeoutMs: number;
  readonly #waiting = new Map<string, Set<Waiter>>();
  #isStreaming = false;

  constructor(runtime: Runtime, api: ApiClient, requestTimeoutMs: number) {
    this.#runtime = runtime;
    this.#api = api;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async claim(request: ApprovalRequest): Promise<ApprovalState> {
    const answer = await this.#api.request<ApprovalAnswerBody>({
      method: "POST",
      path: "/v1/approvals",
      body: request,
      schema: approvalAnswerBodySchema,
      timeoutMs: this.#requestTimeoutMs,
      breaker: "approvals",
    });
    if (answer.ok) return answer.value.approval;
    throw new Error(`the approval could not be requested: ${answer.problem?.detail ?? answer.reason}`);
  }

  async wait(approvalId: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const untilMs = this.#nowMs() + waitMs;
    // Whoever waits is known before the first look, so that no answer falls in between.
    const waiter = this.#add(approvalId);
    try {
      for (let failureCount = 0; ; ) {
        const leftMs = untilMs - this.#nowMs();
        if (leftMs <= 0 || signal.aborted || waiter.isTold) return;
        const waitSeconds = this.#isStreaming ? 0 : pollSeconds(leftMs);
        const askedAtMs = this.#nowMs();
        const look = await this.#look(approvalId, waitSeconds, signal);
        if (isOver(look)) return;
        failureCount = look.ok ? 0 : failureCount + 1;
        const wasHeld = waitSeconds > 0 && this.#nowMs() - askedAtMs >= HELD_MS;
        const pauseMs = look.ok && wasHeld ? 0 : this.#pauseMs(look, failureCount);
        const restMs = Math.min(pauseMs, untilMs - this.#nowMs());
        if (restMs > 0 && !waiter.isTold) await waiter.pause.wait(restMs, signal);
      }
    } finally {
      this.#remove(approvalId, waiter);
    }
  }

  /** The live link told of an answer: nobody waits longer for it. */
  resolved(approvalId: string): void {
    for (const waiter of this.#waiting.get(approvalId) ?? []) {
      waiter.isTold = true;
      waiter.pause.wake();
    }
  }

  /** The live link begins or ceases to stream: what came in between is looked for. */
  streaming(isStreaming: boolean): void {
    if (this.#isStreaming === isStreaming) return;
    this.#isStreaming = isStreaming;
    for (const waiters of this.#waiting.values()) for (const { pause } of waiters) pause.wake();
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs();
  }

  #look(approvalId: string, waitSeconds: number, signal: AbortSignal): Promise<Look> {
    return this.#api.request<ApprovalAnswerBody>({
      method: "GET",
      path: `/v1/approvals/${encodeURIComponent(approvalId)}?wait=${waitSeconds}`,
      schema: approvalAnswerBodySchema,
      timeoutMs: waitSeconds * 1000 + this.#requestTimeoutMs,
      signal,
    });
  }

  /** Until the next look: longer after each failure, and never sooner than the server asks for. */
  #pauseMs(look: Look, failureCount: number): number {
    const spread = 0.5 + this.#runtime.random() / 2;
    if (!look.ok) {
      const { approvalRetryBaseMs: baseMs, approvalRetryMaxMs: maxMs } = LINK_TIMES;
      const ownMs = Math.min(maxMs, baseMs * 2 ** Math.min(failureCount, 16)) * spread;
      return Math.max(look.retryAfterMs ?? 0, ownMs);
    }
    if (!this.#isStreaming) return LINK_TIMES.approvalRetryBaseMs;
    // Its end by time is known beforehand; the clocks may differ.
    const leftMs = Date.parse(look.value.approval.expiresAt) - this.#runtime.clock.nowMs();
    return Math.min(LINK_TIMES.approvalLookMs, Math.max(LINK_TIMES.approvalRetryBaseMs, leftMs)) * spread;
  }

  #add(approvalId: string): Waiter {
    const waiter: Waiter = { pause: new Pause(this.#runtime), isTold: false };
    const waiters = this.#waiting.get(approvalId) ?? new Set();
    this.#waiting.set(approvalId, waiters.add(waiter));
    return waiter;
  }

  #remove(approvalId: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(approvalId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(approvalId);
  }
}

/** A poll that took this long was held by the server. */
const HELD_MS = 500;

function pollSeconds(leftMs: number): number {
  return Math.max(0, Math.min(LINK_TIMES.approvalPollSeconds, Math.floor(leftMs / 1000)));
}

/** It was answered, or asking again brings nothing: there is no such approval, or none for this key. */
function isOver(look: Look): boolean {
  if (look.ok) return isAnswered(look.value.approval);
  return look.reason === "rejected" || look.reason === "auth";
}

function isAnswered({ status }: Approval): boolean {
  return status !== "pending";
}
