import type { Lockdown } from "@handlebar/protocol";
import type { Tell } from "./audit-table.ts";

export interface LockdownRecord {
  readonly workspaceId: string;
  readonly lockdown: Lockdown;
  /** The state's revision with which it came into force. */
  readonly revision: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly liftedAtMs: number | undefined;
  readonly liftedBy: string | undefined;
}

/** That a client obeys a stop order, the first time that it said so. */
export interface LockdownAck {
  readonly agentId: string;
  readonly clientId: string;
  readonly ackedAtMs: number;
  /** It came with the first thing that the client ever said: it started while the order was in force. */
  readonly isFromStart: boolean;
}

export interface LockdownsTable {
  /** Records the change `lockdowns`. The same id twice is one. */
  create(
    record: Omit<LockdownRecord, "revision" | "liftedAtMs" | "liftedBy">,
    tell?: Tell<LockdownRecord>,
  ): Promise<LockdownRecord>;
  /** Records the change `lockdowns`; `undefined` when there is none in force with that id. */
  lift(
    workspaceId: string,
    lockdownId: string,
    by: { readonly keyId: string; readonly nowMs: number; readonly tell?: Tell<LockdownRecord> | undefined },
  ): Promise<LockdownRecord | undefined>;
  get(workspaceId: string, lockdownId: string): Promise<LockdownRecord | undefined>;
  /** In force at `nowMs`: not lifted, `until` not passed. */
  inForce(workspaceId: string, nowMs: number): Promise<readonly LockdownRecord[]>;
  /** Newest first, those lifted included. */
  list(workspaceId: string, limit: number): Promise<readonly LockdownRecord[]>;
  /** Lifts those whose `until` has passed (`liftedBy` is `until`), recording the change `lockdowns` in each workspace. */
  liftExpired(nowMs: number, tell?: Tell<LockdownRecord>): Promise<number>;
  /** Who said when that they obey it, oldest first, at most `limit`; `AgentsTable.acknowledge` writes it. */
  acks(workspaceId: string, lockdownId: string, limit: number): Promise<readonly LockdownAck[]>;
  /** Forgets those from before `beforeMs` of stop orders that are lifted. */
  pruneAcks(beforeMs: number): Promise<number>;
}
