import type { HandlebarConfig } from "@handlebar/core";

export const POLICIES: NonNullable<HandlebarConfig["policies"]> = [
  {
    name: "shop",
    flow: { sources: [{ tool: { tagsAny: ["classification:confidential"] }, add: ["private"] }] },
    rules: [
      {
        name: "no mail after customer data was read",
        on: "tool.before",
        tool: { tagsAny: ["external"] },
        when: { kind: "label", allOf: ["private"] },
        effect: { type: "block", reason: "customer data may not leave" },
      },
      {
        name: "large refunds need a person",
        on: "tool.before",
        tool: { name: "refund" },
        when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
        effect: { type: "hitl", reason: "refunds above 500 need approval" },
      },
      {
        name: "no addresses for the model",
        on: "llm.before",
        effect: { type: "redact", redact: [{ detectors: ["email"] }] },
      },
    ],
  },
];
