/** What the server remembers of a run that it decides for. */
export interface RunStateRecord {
  readonly runId: string;
  readonly startedAtMs: number;
  /** `snapshotRunState` of the engine, as JSON text. */
  readonly snapshotJson: string;
  /** Set once a decision ended the run. */
  readonly isTerminated: boolean;
  /** Grows by one with each write. */
  readonly version: number;
}

export interface RunStatesTable {
  get(workspaceId: string, runId: string): Promise<RunStateRecord | undefined>;
  /** Only its version, for whoever holds a copy; `undefined` when there is none. */
  version(workspaceId: string, runId: string): Promise<number | undefined>;
  /**
   * Writes states whose version is one more than the stored one, or whose run is not stored.
   * @returns the runs that could not be written since another process did.
   */
  put(workspaceId: string, states: readonly RunStateRecord[], nowMs: number): Promise<readonly string[]>;
  sessionLabels(workspaceId: string, sessionId: string): Promise<readonly string[]>;
  /** Adds labels; they only grow. */
  addSessionLabels(workspaceId: string, sessionId: string, labels: readonly string[], nowMs: number): Promise<void>;
  /** Forgets what was not used since. */
  prune(beforeMs: number): Promise<number>;
}
