import type { JsonValue, Message, MessagePart, Redaction } from "@handlebar/protocol";
import { MESSAGES_TEXT_LENGTH_MAX } from "../limits.ts";
import { walkLeaves } from "../path-read.ts";
import { redactValue } from "./redact-value.ts";
import { Counts, type RedactionResult, type RedactOptions, UNSCANNED } from "./redaction.ts";

/** Redacts one value inside messages and adds up what was found. */
class MessageRedactor {
  readonly counts: Counts = new Counts();
  readonly #redactions: readonly Redaction[];
  readonly #options: RedactOptions;
  #room: number = MESSAGES_TEXT_LENGTH_MAX;
  exceeded: boolean = false;

  constructor(redactions: readonly Redaction[], options: RedactOptions) {
    this.#redactions = redactions;
    this.#options = options;
  }

  message(message: Message): Message {
    const { content } = message;
    if (typeof content === "string") {
      const text = this.#text(content);
      return text === content ? message : { ...message, content: text };
    }
    const parts = content.map((part) => this.#part(part));
    return parts.every((part, index) => part === content[index]) ? message : { ...message, content: parts };
  }

  #part(part: MessagePart): MessagePart {
    switch (part.type) {
      case "text":
      case "reasoning": {
        const text = this.#text(part.text);
        return text === part.text ? part : { ...part, text };
      }
      case "tool-call": {
        const args = this.#value(part.args);
        return Object.is(args, part.args) ? part : { ...part, args };
      }
      case "tool-result": {
        const result = this.#value(part.result);
        return Object.is(result, part.result) ? part : { ...part, result };
      }
      case "file":
        return part;
    }
  }

  #text(text: string): string {
    const redacted: JsonValue | undefined = this.#redact(text);
    return typeof redacted === "string" ? redacted : "";
  }

  #value(value: JsonValue): JsonValue {
    return this.#redact(value) ?? null;
  }

  /** `undefined` when nothing is left. */
  #redact(value: JsonValue): JsonValue | undefined {
    walkLeaves(value, (leaf) => {
      if (typeof leaf === "string") this.#room -= leaf.length;
    });
    if (this.#room < 0) {
      this.exceeded = true;
      return UNSCANNED;
    }
    const result = redactValue<JsonValue | undefined>(value, this.#redactions, this.#options);
    this.counts.addAll(result.counts);
    if (result.exceeded) this.exceeded = true;
    return result.value;
  }
}

/**
 * Redacts what messages say, their tool calls' arguments and their tool results, in place and in order, as `redactValue`
 * does with each. Roles, ids, names and files stay as they are, and a message without a finding keeps its identity. `paths`
 * are read within the arguments of tool calls and within tool results. Past 4,194,304 UTF-16 code units of all messages
 * together, what comes is `[redacted:unscanned]`. Never throws.
 */
export function redactMessages(
  messages: readonly Message[],
  redactions: readonly Redaction[],
  options: RedactOptions = {},
): RedactionResult<readonly Message[]> {
  const redactor = new MessageRedactor(redactions, options);
  const redacted = messages.map((message) => redactor.message(message));
  const isSame = redacted.every((message, index) => message === messages[index]);
  return { value: isSame ? messages : redacted, counts: redactor.counts.counts, exceeded: redactor.exceeded };
}

/** Redacts one message, such as a model's response, as `redactMessages` does. */
export function redactMessage(
  message: Message,
  redactions: readonly Redaction[],
  options: RedactOptions = {},
): RedactionResult<Message> {
  const redactor = new MessageRedactor(redactions, options);
  const value = redactor.message(message);
  return { value, counts: redactor.counts.counts, exceeded: redactor.exceeded };
}
