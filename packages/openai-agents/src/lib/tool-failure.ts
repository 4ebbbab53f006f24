import { getCurrentRun } from "@handlebar/core";
import { ledgerOf } from "./call-ledger.ts";
import type { Framework } from "./framework.ts";

/** All that the framework says of what a tool threw, where the tool has no words of its own. */
const FAILED = "An error occurred while running the tool. Please try again.";

/**
 * The error behind a tool's output. The framework turns what a tool throws into text before anybody may look: it is known where
 * the tool has `recordToolError`, and else only that there was one, from the framework's own words or its trace. It is
 * recorded, and changes nothing else: a tool that returns such words gains nothing.
 */
export function failureOf(
  { output, callId }: { readonly output: unknown; readonly callId: string },
  framework: Framework,
): unknown {
  const run = getCurrentRun();
  const known = run === undefined ? undefined : ledgerOf(run).takeError(callId);
  if (known !== undefined) return known.error;
  if (output === FAILED || framework.getCurrentSpan()?.error != null) return new Error(String(output));
  return undefined;
}

/**
 * For `errorFunction` of the framework's `tool`: says to the model what the framework says by default, and lets the run record
 * what was thrown, which the framework tells nobody.
 */
export function recordToolError(_context: unknown, error: unknown, details?: { readonly toolCall?: object }): string {
  const run = getCurrentRun();
  const callId = details?.toolCall !== undefined && "callId" in details.toolCall ? details.toolCall.callId : undefined;
  if (run !== undefined && typeof callId === "string") ledgerOf(run).noteError(callId, error);
  return FAILED;
}
