import type { JsonValue, Phase } from "@handlebar/protocol";
import { canonicalJson } from "./canonical-json.ts";
import type { CompiledRule } from "./compiled-rule.ts";
import type { Conclusion } from "./conclude.ts";
import type { Frame } from "./frame.ts";
import { hintOf } from "./message-hint.ts";

/** What a decision says to a model of a call that it lets through. */
export const ALLOWED = "this call is allowed";

/**
 * What a decision says to a model. One sentence about this one call: that it was denied, the author's reason, and, where
 * the rule or a person shows it, what would be allowed. Never a value of the call's own arguments, and never an instruction to hide anything.
 */
export function messageOf(conclusion: Conclusion, winner: CompiledRule | undefined, frame: Frame): string {
  const { verdict, control, cause } = conclusion;
  if (verdict === "ALLOW") return cause.kind === "HITL_APPROVED" ? "this call was approved" : ALLOWED;
  const end = control === "TERMINATE" && cause.kind !== "RUN_ENDED" ? "; this run ends here" : "";
  return `${denialOf(conclusion, winner, frame)}${end}`;
}

function denialOf({ cause }: Conclusion, winner: CompiledRule | undefined, frame: Frame): string {
  const denied = DENIED[frame.facts.phase];
  switch (cause.kind) {
    case "RUN_ENDED":
      return `${denied}: this run has ended`;
    case "LOCKDOWN":
      return `${denied}: a stop order is in force`;
    case "UNAVAILABLE":
      return `${denied}: a limit could not be checked; it may be tried again later`;
    case "HITL_PENDING":
      return `${HELD[frame.facts.phase]}${reasonOf(winner)}`;
    case "HITL_DENIED":
      return `${denied} by a person${reasonOf(winner)}${insteadPart(cause.instead)}`;
    case "BUDGET_EXHAUSTED":
      return `${denied}${reasonOf(winner)}${hintPart(winner, frame)}${resetPart(cause.resetAt)}`;
    default:
      return `${denied}${reasonOf(winner)}${hintPart(winner, frame)}`;
  }
}

const DENIED: Readonly<Record<Phase, string>> = {
  "tool.before": "this call was denied",
  "tool.after": "the result of this call was withheld",
  "llm.before": "this request was denied",
  "llm.after": "this response was withheld",
};

const HELD: Readonly<Record<Phase, string>> = {
  "tool.before": "this call was not made: it needs a person's approval",
  "tool.after": "the result of this call was withheld: it needs a person's approval",
  "llm.before": "this request was not made: it needs a person's approval",
  "llm.after": "this response was withheld: it needs a person's approval",
};

function reasonOf(winner: CompiledRule | undefined): string {
  return winner === undefined ? "" : `: ${winner.reason}`;
}

function hintPart(winner: CompiledRule | undefined, frame: Frame): string {
  const hint = hintOf(winner?.condition, frame);
  return hint === undefined ? "" : `; ${hint}`;
}

/** UTF-16 code units of arguments that a message shows. */
const INSTEAD_LENGTH_MAX = 2_000;

/** What a message says of arguments with which a person allows the call in place of its own. */
export function insteadPart(args: JsonValue | undefined): string {
  if (args === undefined) return "";
  const text = canonicalJson(args);
  const isShown = text !== undefined && text.length <= INSTEAD_LENGTH_MAX;
  return `; it would be allowed once with ${isShown ? `the arguments ${text}` : "other arguments, which are too long to show"}`;
}

/** The largest time that a date can have. */
const EPOCH_MS_MAX = 8_640_000_000_000_000;

function resetPart(resetAtMs: number | undefined): string {
  if (resetAtMs === undefined || !(Math.abs(resetAtMs) <= EPOCH_MS_MAX)) return "";
  return `; there is room again at ${new Date(resetAtMs).toISOString()}`;
}
