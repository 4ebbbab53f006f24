import type { Facts, ToolFacts } from "@handlebar/engine";

/** One call that was let through, and how it ended. */
export interface PastCall {
  readonly callId: string;
  /** Absent for a call of a model. */
  readonly tool: ToolFacts | undefined;
  readonly args: unknown;
  readonly atMs: number;
  /** The facts of its after phase. */
  readonly end?: Facts | undefined;
}

/** What happened in a run so far, as a plain list. */
export interface ReferenceHistory {
  readonly calls: readonly PastCall[];
  readonly prompts: readonly string[];
  /** Labels that results brought. */
  readonly labels: ReadonlySet<string>;
  /** Values that results showed, and how far they could be trusted there. */
  readonly shown: readonly { readonly value: string; readonly trust: "trusted" | "untrusted" }[];
}

export const NO_HISTORY: ReferenceHistory = { calls: [], prompts: [], labels: new Set(), shown: [] };

export function hasFailed(end: Facts): boolean {
  return end.call === undefined ? end.llm?.response === undefined : end.call.error !== undefined;
}
