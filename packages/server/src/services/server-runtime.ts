/** A timer that was set. */
export interface ServerTimer {
  cancel(): void;
}

/** The one door to clock, timers and ids, so that tests bring their own. */
export interface ServerRuntime {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds on a clock that never goes back. */
  monotonicMs(): number;
  /** UUIDv7. */
  newId(): string;
  /** Does not keep the process alive. */
  after(delayMs: number, run: () => void): ServerTimer;
}
