import { fileURLToPath } from "node:url";
import { loadPolicyFiles } from "@handlebar/policies/node";
import { packFile } from "@handlebar/policies/packs";
import type { Policy } from "@handlebar/protocol";

export const DEMO_AGENT = "support";

const SUPPORT: Policy = {
  id: "demo-support",
  name: "demo: support",
  description: "What the demo's support agent may do",
  agents: { anyOfSlugs: [DEMO_AGENT] },
  rules: [
    {
      name: "models see no card numbers",
      on: ["llm.before", "tool.after"],
      effect: {
        type: "redact",
        redact: [{ detectors: ["payment_card"] }],
        reason: "card numbers stay out of prompts",
      },
    },
    {
      name: "large refunds need a person",
      on: "tool.before",
      tool: { name: "refund" },
      when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
      effect: { type: "hitl", reason: "refunds above 500 need approval" },
    },
    {
      name: "nobody deletes customers",
      on: "tool.before",
      tool: { name: "delete_customer" },
      effect: { type: "block", control: "TERMINATE", reason: "customers are deleted by people, never by agents" },
    },
  ],
};

/** The demo's policies: the agent's own, and the pack that stops data from leaving, for this agent alone. */
export function demoPolicies(): readonly Policy[] {
  const pack = loadPolicyFiles([fileURLToPath(packFile("data-exfiltration"))]);
  const scoped = pack.map((policy) => ({ ...policy, id: "demo-exfiltration", agents: { anyOfSlugs: [DEMO_AGENT] } }));
  return [SUPPORT, ...scoped];
}
