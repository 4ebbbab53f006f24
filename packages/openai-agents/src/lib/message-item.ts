import type { Message, MessagePart } from "@handlebar/core/adapter";
import type { AgentInputItem, AssistantMessageItem, SystemMessageItem, UserMessageItem } from "@openai/agents";

/** What policies can read of one item, and the item with other parts in their place. */
export interface ItemParts {
  readonly role: Message["role"];
  readonly parts: readonly MessagePart[];
  /** `parts` are as many as were read, in the same order. */
  rewrite(parts: readonly MessagePart[]): AgentInputItem;
}

type MessageItem = UserMessageItem | AssistantMessageItem | SystemMessageItem;
type Content = (Exclude<UserMessageItem["content"], string> | AssistantMessageItem["content"])[number];

/** Reads what someone said. Images, files and sound are named, not read. */
export function messageParts(item: MessageItem): ItemParts {
  switch (item.role) {
    case "system":
      return text(item, (content) => ({ ...item, content }));
    case "user": {
      const { content } = item;
      if (typeof content === "string") return text({ ...item, content }, (after) => ({ ...item, content: after }));
      return {
        role: "user",
        parts: content.map(readContent),
        rewrite: (parts) => ({ ...item, content: content.map((one, at) => writeContent(one, parts[at])) }),
      };
    }
    case "assistant":
      return {
        role: "assistant",
        parts: item.content.map(readContent),
        rewrite: (parts) => ({ ...item, content: item.content.map((one, at) => writeContent(one, parts[at])) }),
      };
    default:
      return { role: "assistant", parts: [], rewrite: () => item };
  }
}

function text(
  { role, content }: { readonly role: "user" | "system"; readonly content: string },
  rewrite: (content: string) => MessageItem,
): ItemParts {
  return {
    role,
    parts: [{ type: "text", text: content }],
    rewrite: ([part]) => rewrite(part?.type === "text" ? part.text : content),
  };
}

function readContent(content: Content): MessagePart {
  switch (content.type) {
    case "input_text":
    case "output_text":
      return { type: "text", text: content.text };
    case "refusal":
      return { type: "text", text: content.refusal };
    case "audio":
      return typeof content.transcript === "string" ? { type: "text", text: content.transcript } : file("audio");
    case "input_file":
      return file("file", content.filename);
    default:
      return file(content.type);
  }
}

function writeContent<T extends Content>(content: T, part: MessagePart | undefined): T {
  if (part?.type !== "text") return content;
  switch (content.type) {
    case "input_text":
    case "output_text":
      return { ...content, text: part.text };
    case "refusal":
      return { ...content, refusal: part.text };
    case "audio":
      return { ...content, transcript: part.text };
    default:
      return content;
  }
}

/** Something that is named and not read. */
export function file(kind: string, name?: string): MessagePart {
  const mediaType = kind.includes("image")
    ? "image/*"
    : kind.includes("audio")
      ? "audio/*"
      : "application/octet-stream";
  return { type: "file", mediaType, ...(name === undefined ? {} : { name }) };
}
