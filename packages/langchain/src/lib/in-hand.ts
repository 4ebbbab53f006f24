import { type AnyRun, perRun } from "@handlebar/core/adapter";

/** Calls beyond this many are given up as forgotten. */
const IN_HAND_COUNT_MAX = 10_000;

const inHandOf = perRun(Symbol("handlebar.langchain.in-hand"), () => new Set<string>());

/** Says that a tool call, by its id among LangChain's callbacks, is decided by who makes it: `HandlebarGuard` leaves it alone. */
export function takeInHand(run: AnyRun, callbackId: string): void {
  const ids = inHandOf(run);
  ids.add(callbackId);
  if (ids.size <= IN_HAND_COUNT_MAX) return;
  const [oldest] = ids;
  if (oldest !== undefined) ids.delete(oldest);
}

/** Whether it was said, once for each call. */
export function isInHand(run: AnyRun, callbackId: string): boolean {
  return inHandOf(run).delete(callbackId);
}
