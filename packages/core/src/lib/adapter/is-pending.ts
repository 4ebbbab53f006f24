import type { Decision } from "@handlebar/protocol";

/** Whether a call waits for a person. */
export function isPending({ verdict, cause }: Pick<Decision, "verdict" | "cause">): boolean {
  return verdict === "BLOCK" && cause.kind === "HITL_PENDING";
}
