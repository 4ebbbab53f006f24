import type { Lockdown, Policy } from "@handlebar/protocol";

/** Whose state it is. The key is used to sign, and is never written. */
export interface StateScope {
  readonly endpoint: string;
  readonly apiKey: string;
  /** The agent's slug. */
  readonly agent: string;
}

/** What a control plane had last put in force in this process. */
export interface CachedState {
  /** When the control plane was last heard from while this was in force, epoch milliseconds. */
  readonly confirmedAtMs: number;
  /** Of the policies; absent where only stop orders were ever taken. */
  readonly revision?: number | undefined;
  readonly policies: readonly Policy[];
  readonly lockdownRevision: number;
  readonly lockdowns: readonly Lockdown[];
}

/**
 * Keeps a client's last good state over a restart, for a start while the control plane is out of reach, and so that a stop
 * order once seen stays in force (DESIGN "When things fail"). `@handlebar/core/node` has one on disk.
 */
export interface StateCache {
  /** What was kept; `undefined` where there is nothing that can be trusted. Asked once, at `init`. */
  load(scope: StateScope): CachedState | undefined;
  /** Keeps a state in place of the one before; never waits for the disk, never throws. */
  save(scope: StateScope, state: CachedState): void;
  /** Resolves when what was given to `save` is kept, or has failed. */
  flush(): Promise<void>;
}
