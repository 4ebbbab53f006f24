/** Bounds of the SDK. Each has its unit in its name and the reason beside it. */
export const LIMITS = {
  /** Decisions kept per run for `run.decisions`; older ones leave. */
  decisionLogCountMax: 200,
  /** Runs open at once per client; the one idle longest is closed as interrupted beyond it. */
  openRunCountMax: 10_000,
  /** Longest message or argument text kept in an event, in UTF-16 code units. */
  eventTextLengthMax: 65_536,
} as const;
