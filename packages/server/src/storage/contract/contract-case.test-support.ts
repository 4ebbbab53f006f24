import type { EventRow } from "../events-table.ts";
import type { Store } from "../store.ts";

/** A store under test: an empty workspace, another one that must not be touched, and a clock where the store's can be set. */
export interface ContractStore {
  readonly store: Store;
  readonly workspaceId: string;
  readonly otherId: string;
  readonly clock?: { nowMs(): number; advance(ms: number): void } | undefined;
}

/** One thing that every store must do. */
export interface ContractCase {
  readonly name: string;
  /** Runs only where the store's clock can be set. */
  readonly needsClock?: boolean;
  readonly run: (given: ContractStore) => Promise<void>;
}

/** A moment that no test's clock is near to: 2026-01-02T00:00:00Z. */
export const DAY_MS = 1_767_312_000_000;

/** A UUIDv7 made at `timeMs`; `n` tells those of one moment apart. */
export function eventIdAt(timeMs: number, n: number): string {
  const hex = timeMs.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

type Given = Partial<EventRow> & { readonly workspaceId: string; readonly seq: number };

/** An event of run `r1` at `DAY_MS` plus a second for each sequence number. */
export function eventRow(given: Given): EventRow {
  const eventId = given.eventId ?? eventIdAt(DAY_MS + given.seq * 1_000, given.seq);
  return {
    runId: "r1",
    agent: "support",
    sessionId: undefined,
    actorExternalId: undefined,
    kind: "tool.result",
    tool: undefined,
    verdict: undefined,
    cause: undefined,
    ruleId: undefined,
    json: JSON.stringify({ eventId, seq: given.seq }),
    dropped: [],
    ...given,
    eventId,
  };
}
