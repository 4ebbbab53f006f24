import type { Message } from "@handlebar/protocol";

/**
 * What the user or the developer wrote in a message, for `notePrompt`: its text without files, tool calls and results; `undefined`
 * for what an agent or a tool says.
 */
export function promptTextOf({ role, content }: Message): string | undefined {
  if (role !== "user" && role !== "system") return undefined;
  if (typeof content === "string") return content;
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}
