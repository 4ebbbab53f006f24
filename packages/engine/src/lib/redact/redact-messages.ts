import type { Message, MessagePart, Redaction } from "@handlebar/protocol";
import { redactValue } from "./redact-value.ts";
import type { RedactionResult, RedactOptions } from "./redaction.ts";

/**
 * Redacts what messages say, their tool calls' arguments and their tool results, in place and in order; a message without
 * a finding keeps its identity, and ids, names and files stay as they are. `paths` are read
 * within the arguments of tool calls and within tool results.
 */
export function redactMessages(
  messages: readonly Message[],
  redactions: readonly Redaction[],
  options: RedactOptions = {},
): RedactionResult<readonly Message[]> {
  const counts: Record<string, number> = {};
  let exceeded = false;
  const redact = <T>(value: T): T => {
    const result = redactValue(value, redactions, options);
    for (const [id, count] of Object.entries(result.counts)) counts[id] = (counts[id] ?? 0) + count;
    exceeded ||= result.exceeded;
    return result.value;
  };
  const redacted = messages.map((message) => redactMessage(message, redact));
  const isSame = redacted.every((message, index) => message === messages[index]);
  return { value: isSame ? messages : redacted, counts, exceeded };
}

function redactMessage(message: Message, redact: <T>(value: T) => T): Message {
  const { content } = message;
  if (typeof content === "string") {
    const text = redact(content);
    return text === content ? message : { ...message, content: text };
  }
  const parts = content.map((part) => redactPart(part, redact));
  return parts.every((part, index) => part === content[index]) ? message : { ...message, content: parts };
}

function redactPart(part: MessagePart, redact: <T>(value: T) => T): MessagePart {
  switch (part.type) {
    case "text":
    case "reasoning": {
      const text = redact(part.text);
      return text === part.text ? part : { ...part, text };
    }
    case "tool-call": {
      const args = redact(part.args);
      return args === part.args ? part : { ...part, args };
    }
    case "tool-result": {
      const result = redact(part.result);
      return result === part.result ? part : { ...part, result };
    }
    case "file":
      return part;
  }
}
