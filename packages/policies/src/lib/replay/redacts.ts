import { type Facts, redactMessages, redactValue } from "@handlebar/engine";
import type { Message, Redaction } from "@handlebar/protocol";

/** Whether redactions would take something out of what a call carries: many rules that redact find nothing in most calls. */
export function wouldRedact({ phase, call, llm }: Facts, redactions: readonly Redaction[]): boolean {
  switch (phase) {
    case "tool.before":
      return changesValue(call?.args, redactions);
    case "tool.after":
      return changesValue(call?.result, redactions);
    case "llm.before":
      return changesMessages(llm?.messages ?? [], redactions);
    case "llm.after":
      return changesMessages(llm?.response === undefined ? [] : [llm.response], redactions);
  }
}

/** What nothing is taken out of is handed on as it is. */
function changesValue(value: unknown, redactions: readonly Redaction[]): boolean {
  return !Object.is(redactValue(value, redactions).value, value);
}

function changesMessages(messages: readonly Message[], redactions: readonly Redaction[]): boolean {
  const { value } = redactMessages(messages, redactions);
  return value.some((message, index) => message !== messages[index]);
}
