import type { HandlebarConfig } from "@handlebar/core";

/** In a real program these live in a file or at the control plane. */
export const POLICIES: NonNullable<HandlebarConfig["policies"]> = [
  {
    name: "customer data stays here",
    flow: { sources: [{ tool: { tagsAny: ["classification:confidential"] }, add: ["private"] }] },
    rules: [
      {
        name: "nothing leaves after private data was read",
        on: "tool.before",
        tool: { tagsAny: ["external"] },
        when: { kind: "label", allOf: ["private"] },
        effect: { type: "block", reason: "customer data must not leave" },
      },
    ],
  },
  {
    name: "refunds",
    rules: [
      {
        name: "large refunds need a person",
        on: "tool.before",
        tool: { name: "refund" },
        when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
        effect: { type: "hitl", reason: "refunds above 500 need approval" },
      },
    ],
  },
];
