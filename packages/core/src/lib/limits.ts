/** Bounds of the SDK. Each has its unit in its name and the reason beside it. */
export const LIMITS = {
  /** Decisions kept per run for `run.decisions`; older ones leave. */
  decisionLogCountMax: 200,
  /** Runs open at once per client; the one idle longest is closed as interrupted beyond it. */
  openRunCountMax: 10_000,
  /** Ended runs that are remembered, so that a late hook is answered `RUN_ENDED`; when it is reached, the older half leaves. */
  endedRunCountMax: 10_000,
  /** Approvals held in this process at once; the oldest is given up beyond it. */
  localApprovalCountMax: 1_000,
  /** Messages of a run that are remembered as already recorded. */
  seenMessageCountMax: 4_096,
  /** Calls of a run in flight at once whose start is remembered for `duration_ms`. */
  openCallCountMax: 1_024,
} as const;
