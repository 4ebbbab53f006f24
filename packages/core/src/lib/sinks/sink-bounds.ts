/** Bounds of the sinks, each with its unit in its name. */
export const SINK_BOUNDS = {
  /** Events that wait in an HTTP sink, in count and in bytes: about 20 s at 500 events a second. */
  queueCountMax: 10_000,
  queueSizeBytesMax: 8_388_608,
  /** The part of the queue that messages and results can never fill. */
  mustKeepSizeBytes: 2_097_152,
  /** One request: well below the usual 1 MB limit of proxies. */
  batchCountMax: 200,
  batchSizeBytesMax: 524_288,
  /** A learned batch size never falls below this. */
  batchSizeBytesMin: 16_384,
  /** Smaller bodies are not worth compressing. */
  compressSizeBytesMin: 1_024,
  /** Longest answer that is read. */
  answerSizeBytesMax: 65_536,
  /** Sequence ranges kept of dropped events, over all runs; beyond it drops are counted without their numbers. */
  dropRangeCountMax: 20_000,
  /** Runs told apart in drop accounting; the drops of further runs are reported with another run's. */
  dropRunCountMax: 1_000,
  /** Sequence ranges in one `events.dropped` event, so that it stays small. */
  reportRangeCountMax: 500,
  /** `events.dropped` events added to one batch. */
  reportCountMax: 50,
  /** Events that alone make the server fail are set aside; beyond this the oldest is given up. */
  deferredCountMax: 64,
  deferredSizeBytesMax: 1_048_576,
  /** Times one batch may make the server fail before it is suspected of being the reason. */
  suspectFailureCount: 5,
  /** Refusals in a row before the sender slows down: as many as it takes to find one bad event of a full batch. */
  refusalCountMax: 9,
  /** An attempt that is this much past its deadline was lost with a frozen process. */
  attemptGraceMs: 1_000,
  /** No event is cut below this to fit a server's limit. */
  shrinkSizeBytesMin: 4_096,
  /** Unsettled promises of one sink's `write`; further events are dropped and counted for that sink. */
  unsettledCountMax: 1_000,
  /** Failures of a sink within the window that have it skipped for the pause. */
  sinkFailureCount: 5,
  sinkFailureWindowMs: 30_000,
  sinkPauseMs: 30_000,
  /** Times that spooling reports may cause further reports at the end. */
  spoolReportRounds: 8,
  /** Past its deadline a sink gets this much to say what became of its events. */
  closeGraceMs: 250,
  /** A repeated warning is given once in this time. */
  warnIntervalMs: 60_000,
  /** Events kept by a memory sink. */
  memoryCountMax: 10_000,
  memorySizeBytesMax: 16_777_216,
} as const;

/** Times of the HTTP sink that options change. */
export const SINK_TIMES = {
  flushIntervalMs: 1_000,
  attemptTimeoutMs: 10_000,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
  retryAfterMaxMs: 300_000,
  authRetryMs: 60_000,
  flushDeadlineMs: 5_000,
  closeDeadlineMs: 5_000,
} as const;
