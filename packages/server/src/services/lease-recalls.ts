import {
  LEASE_RECALL_COUNT_MAX,
  LEASE_RECALL_MEMORY_COUNT_MAX,
  LEASE_RECALL_PATIENCE_MS,
  LEASE_TTL_MS,
} from "../limits.ts";
import type { LeaseRecord } from "../storage/budgets-table.ts";
import type { Store } from "../storage/store.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export interface LeaseRecallsDeps {
  readonly store: Pick<Store, "budgets" | "changes">;
  readonly runtime: Pick<ServerRuntime, "monotonicMs">;
}

/** A client that found no room in a budget. */
export interface Refused {
  readonly keyText: string;
  readonly clientId: string;
}

/** How a recall names a lease and its holder in the feed of changes: no id holds a line feed. */
function recallRef({ leaseId, clientId }: Pick<LeaseRecord, "leaseId" | "clientId">): string {
  return `${leaseId}\n${clientId}`;
}

/** Asks clients for what they hold of a budget and do not need, when another one needs it. */
export class LeaseRecalls {
  readonly #deps: LeaseRecallsDeps;
  /** When leases were called back, oldest first. */
  readonly #recalled = new Map<string, number>();

  constructor(deps: LeaseRecallsDeps) {
    this.#deps = deps;
  }

  /** Calls back the leases that others hold of the budget. @returns whether some of it may be back shortly. */
  async recall(workspaceId: string, { keyText, clientId }: Refused): Promise<boolean> {
    const open = await this.#deps.store.budgets.leases(workspaceId, { keyText, isOpen: true });
    const held = open
      .filter((lease) => lease.clientId !== clientId && lease.granted > lease.spent)
      .toSorted((a, b) => b.granted - b.spent - (a.granted - a.spent))
      .slice(0, LEASE_RECALL_COUNT_MAX);
    const nowMs = this.#deps.runtime.monotonicMs();
    let mayComeBack = false;
    const asked: LeaseRecord[] = [];
    for (const lease of held) {
      const sinceMs = nowMs - (this.#recalled.get(lease.leaseId) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs > LEASE_TTL_MS) {
        this.#remember(lease.leaseId, nowMs);
        asked.push(lease);
      }
      if (sinceMs > LEASE_TTL_MS || sinceMs < LEASE_RECALL_PATIENCE_MS) mayComeBack = true;
    }
    await Promise.all(asked.map((lease) => this.#deps.store.changes.append(workspaceId, "leases", recallRef(lease))));
    return mayComeBack;
  }

  #remember(leaseId: string, nowMs: number): void {
    this.#recalled.delete(leaseId);
    this.#recalled.set(leaseId, nowMs);
    const [oldest] = this.#recalled.keys();
    if (this.#recalled.size > LEASE_RECALL_MEMORY_COUNT_MAX && oldest !== undefined) this.#recalled.delete(oldest);
  }
}
