import { type ApprovalAnswerBody, type ApprovalRequest, approvalAnswerBodySchema } from "@handlebar/protocol";
import type { ApprovalDesk, ApprovalState } from "../approvals.ts";
import type { Runtime } from "../runtime.ts";
import type { ApiClient } from "./api-client.ts";
import { LINK_TIMES } from "./link-times.ts";
import { Pause } from "./wait.ts";

/** Approvals that the control plane holds. It hands an approval out once, to the client that claims it. */
export class RemoteApprovals implements ApprovalDesk {
  readonly #runtime: Runtime;
  readonly #api: ApiClient;
  readonly #requestTimeoutMs: number;
  readonly #waiting = new Map<string, Set<Pause>>();

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
    const untilMs = this.#runtime.clock.monotonicMs() + waitMs;
    for (;;) {
      const leftMs = untilMs - this.#runtime.clock.monotonicMs();
      if (leftMs <= 0 || signal.aborted) return;
      const askedAtMs = this.#runtime.clock.monotonicMs();
      if (await this.#isResolved(approvalId, leftMs, signal)) return;
      // A server that does not hold the request would otherwise be asked in a hot loop.
      const quick = this.#runtime.clock.monotonicMs() - askedAtMs < 500;
      if (quick) await this.#pause(approvalId, Math.min(1_000, leftMs), signal);
    }
  }

  /** The live link told of an answer: whoever waits for it asks at once. */
  resolved(approvalId: string): void {
    for (const pause of this.#waiting.get(approvalId) ?? []) pause.wake();
  }

  async #isResolved(approvalId: string, leftMs: number, signal: AbortSignal): Promise<boolean> {
    const waitSeconds = Math.max(0, Math.min(LINK_TIMES.approvalPollSeconds, Math.floor(leftMs / 1000)));
    const answer = await this.#api.request<ApprovalAnswerBody>({
      method: "GET",
      path: `/v1/approvals/${encodeURIComponent(approvalId)}?wait=${waitSeconds}`,
      schema: approvalAnswerBodySchema,
      timeoutMs: waitSeconds * 1000 + this.#requestTimeoutMs,
      signal,
    });
    return answer.ok && answer.value.approval.status !== "pending";
  }

  async #pause(approvalId: string, delayMs: number, signal: AbortSignal): Promise<void> {
    const pause = new Pause(this.#runtime);
    const waiting = this.#waiting.get(approvalId) ?? new Set();
    this.#waiting.set(approvalId, waiting.add(pause));
    await pause.wait(delayMs, signal);
    waiting.delete(pause);
    if (waiting.size === 0) this.#waiting.delete(approvalId);
  }
}
