/** Bounds of a replay. Past one of them something is forgotten, and the report says how much. */
export const REPLAY_LIMITS = {
  /** Runs whose memory is kept at once, at about 100 KB for a busy one. The one seen longest ago is forgotten beyond it. */
  runCountMax: 2_000,
  /** Runs that have ended and are known not to be new ones when something of them comes late. */
  endedRunCountMax: 10_000,
  /** Windows beyond a run that are kept at once, at about 12 KB for a busy one. Readings of further ones are unknown. */
  windowCountMax: 100_000,
  /** Calls of a run whose result is still to come. */
  openCallCountMax: 1_024,
  /** Messages of a run that a model call is decided with; older ones leave. */
  messageCountMax: 1_000,
  /** UTF-16 code units of those messages, as JSON. */
  messageLengthMax: 1_048_576,
  /** Calls that are shown for each rule, and calls that were answered otherwise. */
  exampleCountMax: 5,
  /** UTF-16 code units of an example's arguments. */
  exampleArgsLengthMax: 200,
  /** Reasons for which rows were skipped that are counted one by one; further ones are counted together. */
  skipReasonCountMax: 50,
} as const;
