/** Bounds of one serialised event. */
export const EVENT_BOUNDS = {
  /** Longest event that leaves the process: a batch of any two fits below the usual 1 MB limit of proxies. */
  eventSizeBytesMax: 262_144,
  /** Nesting kept of a value that plain JSON refuses. */
  fallbackDepthMax: 12,
  /** Entries kept per object or array of a value that plain JSON refuses. */
  fallbackBreadthMax: 200,
  /** Nesting below which a field that is cut keeps its shape; deeper values become text. */
  cutDepthMax: 12,
  /** Smallest room worth giving to one entry of a list that is cut; entries that would get less leave. */
  cutEntryBytesMin: 24,
} as const;
