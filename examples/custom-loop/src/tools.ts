import type { LoopTool } from "./loop.ts";

/** The tools of the story; nothing here knows of policies but the tags. */
export function makeTools(paid: number[]): readonly LoopTool[] {
  return [
    {
      name: "find_order",
      description: "Find an order by its number",
      parameters: { type: "object", properties: { order: { type: "string" } }, required: ["order"] },
      tags: ["read-only"],
      execute: () => ({ order: "A-17", total: 812.5, customer: "ana@example.com" }),
    },
    {
      name: "refund",
      description: "Pay an order back",
      parameters: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
      execute: (args) => {
        const { amount } = args as { readonly amount: number };
        paid.push(amount);
        return { status: "paid", amount };
      },
    },
  ];
}
