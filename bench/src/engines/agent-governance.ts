import { PolicyEngine } from "@microsoft/agent-governance-sdk";
import type { MakeEngine } from "../policy.ts";

// Its conditions have no prefix match: the family is given to it as a field.
const FIELD = { name: "tool", prefix: "family", tag: "tag" } as const;

export const make: MakeEngine = (rules) => {
  const engine = new PolicyEngine();
  engine.loadPolicy({
    name: "bench",
    default_action: "allow",
    rules: rules.map((rule) => ({
      name: rule.name,
      condition: `${FIELD[rule.select]} == '${rule.selected}' and amount > ${rule.above}`,
      ruleAction: "deny" as const,
    })),
  });
  return (request) => engine.evaluatePolicy("did:bench:a", { ...request }).allowed;
};
