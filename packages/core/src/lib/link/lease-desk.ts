import { type BudgetAnswer, budgetAnswerSchema, type Lease, type LeaseOperation } from "@handlebar/protocol";
import type { ApiClient } from "./api-client.ts";
import { LINK_TIMES } from "./link-times.ts";

/** As many as one request may carry. */
const OPERATION_COUNT_MAX = 256;

export interface LeaseDeskOptions {
  readonly api: ApiClient;
  readonly clientId: string;
  /** `undefined` until the agent is registered. */
  readonly agentId: () => string | undefined;
}

interface Waiting {
  readonly operation: LeaseOperation;
  readonly resolve: (lease: Lease | undefined) => void;
}

/** Sends what is asked about leases: all that comes up in one turn in one request, in order. */
export class LeaseDesk {
  readonly #options: LeaseDeskOptions;
  #waiting: Waiting[] = [];

  constructor(options: LeaseDeskOptions) {
    this.#options = options;
  }

  /** @returns the answer; `undefined` when there was none in time. */
  submit(operation: LeaseOperation): Promise<Lease | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ operation, resolve });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += OPERATION_COUNT_MAX) {
      void this.#send(waiting.slice(at, at + OPERATION_COUNT_MAX));
    }
  }

  async #send(some: readonly Waiting[]): Promise<void> {
    const leases = await this.#post(some.map(({ operation }) => operation));
    for (const [at, { operation, resolve }] of some.entries()) {
      const lease = leases[at];
      resolve(lease?.leaseId === operation.leaseId ? lease : undefined);
    }
  }

  async #post(operations: readonly LeaseOperation[]): Promise<readonly Lease[]> {
    const agentId = this.#options.agentId();
    if (agentId === undefined) return [];
    const answer = await this.#options.api.request<BudgetAnswer>({
      method: "POST",
      path: `/v1/agents/${encodeURIComponent(agentId)}/metrics/budget`,
      body: { clientId: this.#options.clientId, operations },
      schema: budgetAnswerSchema,
      timeoutMs: LINK_TIMES.leaseTimeoutMs,
      breaker: "budget",
    });
    return answer.ok ? answer.value.leases : [];
  }
}
