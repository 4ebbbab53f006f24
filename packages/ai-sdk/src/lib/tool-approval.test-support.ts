import type { PolicyAnswer, PolicyClient } from "./policy-client.ts";

/** What `@ai-sdk/policy-opa` makes of its client, as far as the SDK sees it. */
export function toolApproval(client: PolicyClient) {
  return async ({ toolCall }: { toolCall: { toolName: string; input: unknown } }): Promise<unknown> => {
    const input = { tool: { name: toolCall.toolName }, args: toolCall.input };
    const { decision, reason } = await client.evaluate<object, PolicyAnswer>("handlebar", input);
    const type = { allow: "approved", deny: "denied", "requires-approval": "user-approval" }[decision];
    return { type, ...(type === "denied" ? { reason } : {}) };
  };
}
