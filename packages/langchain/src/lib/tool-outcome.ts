import type { BaseMessage } from "@langchain/core/messages";
import { copyMessage } from "./message-rewrite.ts";
import { isObject } from "./tool-shape.ts";

/** What a tool gave, as policies read it, and the way to put a redacted form of it back. */
export interface ToolOutput {
  readonly payload: unknown;
  readonly withPayload: (payload: unknown) => unknown;
}

/** Reads a tool's raw result: a value, a pair of content and artifact, a message, or a command that carries messages. */
export function readOutput(result: unknown, hasArtifact: boolean): ToolOutput {
  if (hasArtifact && Array.isArray(result) && result.length === 2) {
    const content = readOutput(result[0], false);
    return {
      payload: { content: content.payload, artifact: result[1] as unknown },
      withPayload: (payload) =>
        isObject(payload) && "content" in payload && "artifact" in payload
          ? [content.withPayload(payload.content), payload.artifact]
          : payload,
    };
  }
  if (isMessage(result)) {
    return { payload: result.content, withPayload: (content) => copyMessage(result, { content }) };
  }
  const messages = commandMessages(result);
  if (messages === undefined) return { payload: result, withPayload: (payload) => payload };
  return {
    payload: messages.map((message) => (isMessage(message) ? message.content : message)),
    withPayload: (payload) => withMessages(result, messages, payload),
  };
}

function isMessage(value: unknown): value is BaseMessage {
  return isObject(value) && "getType" in value && typeof value.getType === "function" && "content" in value;
}

/** The messages that a LangGraph command adds to the state; `undefined` when the value is no such command. */
function commandMessages(value: unknown): readonly unknown[] | undefined {
  if (!isObject(value) || !("lg_name" in value) || value.lg_name !== "Command" || !("update" in value))
    return undefined;
  const { update } = value;
  return isObject(update) && "messages" in update && Array.isArray(update.messages) ? update.messages : undefined;
}

function withMessages(command: unknown, messages: readonly unknown[], payload: unknown): unknown {
  if (!isObject(command) || !Array.isArray(payload) || !("update" in command) || !isObject(command.update))
    return command;
  const changed = messages.map((message, at) => {
    const content: unknown = payload[at];
    return isMessage(message) && message.content !== content ? copyMessage(message, { content }) : message;
  });
  const update = { ...command.update, messages: changed };
  const copy: unknown = Object.create(
    Object.getPrototypeOf(command) as object,
    Object.getOwnPropertyDescriptors(command),
  );
  return Object.assign(copy as object, { update });
}
