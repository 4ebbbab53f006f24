import type { HandlebarConfig } from "@handlebar/core";

/** What the support agent may do. */
export const POLICIES: NonNullable<HandlebarConfig["policies"]> = [
  {
    name: "support",
    flow: {
      sources: [
        { tool: { name: "read_order" }, add: ["private"] },
        { tool: { name: "read_page" }, add: ["untrusted"], trust: "untrusted" },
      ],
    },
    rules: [
      {
        name: "large refunds need a person",
        on: "tool.before",
        tool: { name: "refund" },
        when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
        effect: { type: "hitl", reason: "refunds above 500 need approval" },
      },
      {
        name: "nothing leaves after untrusted text met private data",
        on: "tool.before",
        tool: { tagsAny: ["external"] },
        when: { kind: "label", allOf: ["private", "untrusted"] },
        effect: { type: "block", reason: "possible data exfiltration" },
      },
      {
        name: "answers name no mail address",
        on: "llm.after",
        effect: { type: "redact", redact: [{ detectors: ["email"] }] },
      },
    ],
  },
];
