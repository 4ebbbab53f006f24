/**
 * What kind of thing changed. `policies`, `lockdowns` and `agents` change the state that clients hold, and its revision; `tools` (an agent's
 * inventory), `approvals`, `keys` and `leases` do not.
 */
export type ChangeKind = "policies" | "lockdowns" | "agents" | "tools" | "approvals" | "keys" | "leases";

/** One change of a workspace's control plane; `seq` grows by one with each, in the order in which they were committed. */
export interface ChangeRecord {
  readonly workspaceId: string;
  readonly seq: number;
  /** The state's revision after it. */
  readonly revision: number;
  readonly kind: ChangeKind;
  /** What changed: a policy, lockdown, approval or key id, an agent's slug (also for `tools`), or a lease and its holder (`recallRef`). */
  readonly ref: string;
  readonly atMs: number;
}

/** Where a workspace's changes stand. */
export interface ChangeMark {
  readonly workspaceId: string;
  readonly seq: number;
  readonly revision: number;
}

/**
 * The feed of control-plane changes. Whoever changes something writes its change in the same transaction; every process that
 * shares the database learns of it.
 */
export interface ChangesTable {
  /** Where every workspace stands; what a process polls, and reads first. */
  marks(): Promise<readonly ChangeMark[]>;
  mark(workspaceId: string): Promise<ChangeMark>;
  /** Changes after `seq`, oldest first, at most `limit`. */
  since(workspaceId: string, seq: number, limit: number): Promise<readonly ChangeRecord[]>;
  /** Records a change that is not part of another table's write, such as a lease recall. */
  append(workspaceId: string, kind: ChangeKind, ref: string): Promise<ChangeMark>;
  /**
   * Tells of changes as soon as they are known, those of this process included. A hint may be lost (a broken connection): poll `marks` beneath it.
   * @returns a function that ends it.
   */
  listen(onHint: (workspaceId: string) => void): () => void;
  /** Forgets changes older than `beforeMs`; readers that are further behind start from a whole state. */
  prune(beforeMs: number): Promise<number>;
}
