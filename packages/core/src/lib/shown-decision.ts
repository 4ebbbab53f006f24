import { insteadPart } from "@handlebar/engine";
import type { Decision } from "@handlebar/protocol";
import type { Captured } from "./capture.ts";

/**
 * A decision as an event may carry it: arguments that a person allowed in place of a call's own are a payload as those are. `show` makes a payload
 * fit for the event.
 */
export function shownDecision(
  decision: Decision,
  show: (payload: unknown) => Captured,
): { readonly decision: Decision; readonly captured: readonly Captured[] } {
  const { cause } = decision;
  if (cause.kind !== "HITL_DENIED" || cause.instead === undefined) return { decision, captured: [] };
  const captured = show(cause.instead);
  const { instead, ...rest } = cause;
  const shown = captured.value === undefined ? {} : { instead: captured.value };
  const message = decision.message.replace(insteadPart(instead), () => insteadPart(captured.value));
  return { decision: { ...decision, message, cause: { ...rest, ...shown } }, captured: [captured] };
}
