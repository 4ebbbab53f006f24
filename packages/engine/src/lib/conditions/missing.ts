import type { OnMissing } from "@handlebar/protocol";
import { FALSE, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";

/** What an absent value makes of a condition: by default it satisfies nothing. */
export function missingOutcome(onMissing: OnMissing | undefined): Outcome {
  if (onMissing === "match") return TRUE;
  return onMissing === "unknown" ? UNKNOWN_OUTCOME : FALSE;
}
