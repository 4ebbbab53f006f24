import { createRequire } from "node:module";
import type { DenyRule, MakeEngine } from "../policy.ts";

interface Cedar {
  preparsePolicySet(id: string, policies: { staticPolicies: string }): { type: string };
  statefulIsAuthorized(call: object): { type: string; response?: { decision: string } };
}

export const make: MakeEngine = (rules) => {
  const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs") as Cedar;
  const forbids = rules.map(
    (rule) => `forbid(principal, action, resource) when { ${conditionOf(rule)} && context.amount > ${rule.above} };`,
  );
  const parsed = cedar.preparsePolicySet("bench", {
    staticPolicies: `permit(principal, action, resource);\n${forbids.join("\n")}`,
  });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  return ({ tool, tag, amount }) => {
    const answer = cedar.statefulIsAuthorized({
      principal: { type: "Agent", id: "a" },
      action: { type: "Action", id: "call" },
      resource: { type: "Tool", id: "t" },
      context: { tool, tag, amount },
      preparsedPolicySetId: "bench",
      entities: [],
    });
    if (answer.type !== "success") throw new Error(JSON.stringify(answer));
    return answer.response?.decision === "allow";
  };
};

function conditionOf({ select, selected }: DenyRule): string {
  if (select === "tag") return `context.tag == "${selected}"`;
  return select === "name" ? `context.tool == "${selected}"` : `context.tool like "${selected}.*"`;
}
