import { type DefinedTool, defineTool } from "@handlebar/core";
import type { World } from "./world.ts";

export type AnyTool = DefinedTool<never, unknown>;

/** The agent's tools by name. Their tags say what they do; policies select by them. */
export function makeTools(world: World): ReadonlyMap<string, AnyTool> {
  const tools: readonly AnyTool[] = [
    defineTool({
      name: "read_ticket",
      description: "Reads a support ticket.",
      tags: ["read-only"],
      execute: ({ id }: { id: number }) => world.readData(`ticket-${id}.txt`),
    }),
    defineTool({
      name: "fetch_page",
      description: "Fetches a web page.",
      tags: ["read-only", "web", "untrusted-content"],
      execute: async ({ url }: { url: string }, { signal }) => (await fetch(url, { signal })).text(),
    }),
    defineTool({
      name: "read_customers",
      description: "Lists the customers.",
      tags: ["read-only", "private"],
      execute: () => JSON.parse(world.readData("customers.json")) as unknown,
    }),
    defineTool({
      name: "refund",
      description: "Pays an order back to the card it was paid with.",
      execute: ({ order, amount }: { order: string; amount: number }) => {
        world.record("refunds.jsonl", { order, amount });
        return { refunded: amount };
      },
    }),
    defineTool({
      name: "send_email",
      description: "Sends a mail.",
      tags: ["external"],
      execute: ({ to, body }: { to: string; body: string }) => {
        world.record("outbox.jsonl", { to, body });
        return { sent: true };
      },
    }),
    defineTool({
      name: "delete_customer",
      description: "Deletes a customer.",
      tags: ["destructive"],
      execute: ({ email }: { email: string }) => {
        world.record("deleted.jsonl", { email });
        return { deleted: true };
      },
    }),
  ];
  return new Map(tools.map((tool) => [tool.name, tool]));
}
