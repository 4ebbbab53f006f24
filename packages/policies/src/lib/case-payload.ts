import { type Facts, redactMessages, redactValue } from "@handlebar/engine";
import type { Decision, JsonValue, Message, Redaction } from "@handlebar/protocol";

/** What a phase carries, by the field of an expectation that is about it. */
export interface CasePayload {
  readonly args?: JsonValue | undefined;
  readonly result?: JsonValue | undefined;
  readonly messages?: readonly Message[] | undefined;
  readonly response?: Message | undefined;
}

/** What goes on after a decision: redacted where it says so. */
export function payloadAfter(facts: Facts, decision: Decision): CasePayload {
  const { call, llm, phase } = facts;
  const redactions: readonly Redaction[] = decision.redactions ?? [];
  const options = { hash: digest };
  switch (phase) {
    case "tool.before":
      return { args: redactValue(call?.args, redactions, options).value };
    case "tool.after":
      return { args: call?.args, result: redactValue(call?.result, redactions, options).value };
    case "llm.before":
      return { messages: redactMessages(llm?.messages ?? [], redactions, options).value };
    case "llm.after": {
      const response = llm?.response === undefined ? [] : [llm.response];
      return { response: redactMessages(response, redactions, options).value[0] };
    }
  }
}

/** FNV-1a in hexadecimal: equal for equal texts, which is all that a case can ask of a digest whose key is not known. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
