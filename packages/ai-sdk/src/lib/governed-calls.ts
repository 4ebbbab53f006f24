const KEY = Symbol.for("handlebar.ai-sdk.governed-calls.v1");
/** Calls of the SDK under way at once that are remembered. */
const COUNT_MAX = 10_000;

/**
 * The SDK's ids of calls that `governAI` governs, for the telemetry net: what it sees of them is decided already. Shared by every
 * copy of this package in a process.
 */
function governedCalls(): Set<string> {
  const holder = globalThis as { [KEY]?: Set<string> };
  holder[KEY] ??= new Set();
  return holder[KEY];
}

export function noteGovernedCall(callId: unknown): void {
  if (typeof callId !== "string") return;
  const calls = governedCalls();
  calls.add(callId);
  if (calls.size <= COUNT_MAX) return;
  const [oldest] = calls;
  if (oldest !== undefined) calls.delete(oldest);
}

export function isGovernedCall(callId: string): boolean {
  return governedCalls().has(callId);
}

export function forgetGovernedCall(callId: string): void {
  governedCalls().delete(callId);
}
