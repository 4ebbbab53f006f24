/** Bounds of the adapter. Each has its unit in its name and the reason beside it. */
export const LIMITS = {
  /** Decided calls of a run that wait for their result; as many as core keeps in flight. */
  openCallCountMax: 1_024,
  /** Calls of which something is kept beyond their end, such as a result that reads otherwise for the model. */
  notedCallCountMax: 1_024,
  /** Names of guarded tools that a run remembers; a tool beyond it is stopped before the framework sees its call. */
  guardedNameCountMax: 4_096,
} as const;
