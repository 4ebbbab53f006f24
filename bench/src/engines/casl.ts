import { createMongoAbility, subject } from "@casl/ability";
import type { DenyRule, MakeEngine } from "../policy.ts";

// A rule about one tool is put under that tool as its action, which CASL finds without a scan; the others are asked for every action.
export const make: MakeEngine = (rules) => {
  const ability = createMongoAbility([
    { action: "manage", subject: "all" },
    ...rules.map((rule) => ({
      action: rule.select === "name" ? rule.selected : "manage",
      subject: "Call",
      inverted: true,
      conditions: { ...conditionOf(rule), amount: { $gt: rule.above } },
    })),
  ]);
  return (request) => ability.can(request.tool, subject("Call", { ...request }));
};

function conditionOf({ select, selected }: DenyRule): object {
  if (select === "name") return {};
  return select === "tag" ? { tag: selected } : { family: selected };
}
