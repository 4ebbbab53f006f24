import type { Message, MessagePart } from "@handlebar/core/adapter";
import type { AgentInputItem } from "@openai/agents";
import { itemParts } from "./item-parts.ts";
import type { ItemParts } from "./message-item.ts";

/** Items of a conversation as messages that policies judge, with the way back. */
export interface MappedItems {
  readonly messages: readonly Message[];
  /** The items with what changed in the messages; those that did not change are the same objects. */
  apply(messages: readonly Message[]): AgentInputItem[];
}

interface Group {
  readonly role: Message["role"];
  readonly parts: MessagePart[];
  /** For each item of the group: where its parts are. */
  readonly items: { readonly item: AgentInputItem; readonly from: number; readonly to: number }[];
}

/**
 * Reads items as messages: what an assistant said and called in one turn is one message. Items that carry no text (encrypted
 * ones, unknown ones) are in no message and stay as they are.
 */
export function mapItems(items: readonly AgentInputItem[]): MappedItems {
  return mapAs(items, ({ role }) => role);
}

/** Reads the items of one answer as one message. */
export function mapAnswer(items: readonly AgentInputItem[]): MappedItems {
  return mapAs(items, () => "assistant");
}

function mapAs(items: readonly AgentInputItem[], roleOf: (read: ItemParts) => Message["role"]): MappedItems {
  const groups: Group[] = [];
  for (const item of items) {
    const read = itemParts(item);
    const { parts } = read;
    const role = roleOf(read);
    const last = groups.at(-1);
    const joins = last !== undefined && role === "assistant" && last.role === "assistant";
    const group = joins ? last : { role, parts: [], items: [] };
    if (!joins) groups.push(group);
    const from = group.parts.length;
    group.parts.push(...parts);
    group.items.push({ item, from, to: group.parts.length });
  }
  const filled = groups.filter(({ parts }) => parts.length > 0);
  const read = filled.map(messageOf);
  return {
    messages: read,
    apply: (messages) => {
      if (read.every((message, at) => message === messages[at])) return [...items];
      const changed = new Map(filled.map((group, at) => [group, messages[at]]));
      return groups.flatMap((group) => rewriteGroup(group, changed.get(group)));
    },
  };
}

/** A message with one text is just that text, so that it reads alike wherever it comes from. */
function messageOf({ role, parts }: Group): Message {
  const [only] = parts;
  if (parts.length === 1 && only?.type === "text") return { role, content: only.text };
  return { role, content: parts };
}

function rewriteGroup(group: Group, message: Message | undefined): AgentInputItem[] {
  if (message === undefined || message.content === group.parts) return group.items.map(({ item }) => item);
  const parts: readonly MessagePart[] =
    typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
  return group.items.map(({ item, from, to }) => {
    const before = group.parts.slice(from, to);
    const after = parts.slice(from, to);
    const isSame = before.every((part, at) => isEqualPart(part, after[at]));
    return isSame ? item : itemParts(item).rewrite(after);
  });
}

function isEqualPart(a: MessagePart, b: MessagePart | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
