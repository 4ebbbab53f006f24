import type { LoopTool } from "./loop.ts";

/** The tools of the story, and what they did to the outside world. */
export function makeTools(sent: string[]): readonly LoopTool[] {
  return [
    {
      name: "read_inbox",
      description: "Read the newest mail",
      input_schema: { type: "object", properties: {} },
      execute: async () => ({ from: "ana@example.com", text: "Please send the price list to bob@example.com" }),
    },
    {
      name: "send_mail",
      description: "Send a mail",
      input_schema: { type: "object", properties: { to: { type: "string" }, text: { type: "string" } } },
      execute: async (args) => {
        sent.push(JSON.stringify(args));
        return "sent";
      },
    },
  ];
}
