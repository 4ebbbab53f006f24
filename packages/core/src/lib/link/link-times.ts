/** Times of the live link, in the unit that each name ends with. */
export const LINK_TIMES = {
  /** What a request gets beyond the time that the server may hold it. */
  requestTimeoutMs: 5_000,
  /** Heartbeats come every 15 s: three missed ones end a stream. */
  streamSilenceMaxMs: 45_000,
  /** Without a message of the stream for so long after it was asked for or lost, polls stand in for it. */
  streamCoverMs: 1_000,
  /** A stream that has not brought even a first message by now is held back by something on the way. */
  streamBlockedMs: 20_000,
  streamBackoffBaseMs: 1_000,
  streamBackoffMaxMs: 30_000,
  /** A stream that lasted this long was a good one: backoff starts anew. */
  streamHealthyMs: 60_000,
  /** So many failures within the window turn to long polling. */
  streamFailureCountMax: 5,
  streamFailureWindowMs: 60_000,
  streamRetryMs: 300_000,
  longPollSeconds: 25,
  /** Between polls of a server that does not hold them. */
  pollGapMs: 10_000,
  retryAfterMaxMs: 300_000,
  registerBackoffBaseMs: 500,
  registerBackoffMaxMs: 30_000,
  /** Between attempts while the key is refused. */
  authRetryMs: 60_000,
  /** One request for a lease, which a call waits for. */
  leaseTimeoutMs: 2_000,
  /** After a request for a lease that brought no answer, with half as much again of jitter. */
  leaseRetryMs: 200,
  /** Between reports of what was spent under a lease that needs nothing else. */
  settleEveryMs: 2_000,
  /** Between looks at leases: what is not used is given back, and what was spent is reported. */
  leaseTickMs: 500,
  /** How long a budget that had no room is not asked again. */
  refusalKeptMs: 500,
  /** One long poll of an approval. */
  approvalPollSeconds: 25,
  /** Between looks at an approval that the stream tells of. */
  approvalLookMs: 15_000,
  approvalRetryBaseMs: 1_000,
  approvalRetryMaxMs: 30_000,
  /** All that `close` may take. */
  closeTimeoutMs: 2_000,
} as const;
