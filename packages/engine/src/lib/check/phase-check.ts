import type { Phase } from "@handlebar/protocol";
import type { LeafCondition, PlacedRule, PlacedSource } from "./condition-walk.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";

const TOOL_PHASES: readonly Phase[] = ["tool.before", "tool.after"];
const AFTER_PHASES: readonly Phase[] = ["tool.after", "llm.after"];
const PAYLOAD_PHASES: Readonly<Record<"args" | "result" | "messages" | "response", readonly Phase[]>> = {
  args: TOOL_PHASES,
  result: ["tool.after"],
  messages: ["llm.before"],
  response: ["llm.after"],
};

/** Something that only some phases have. */
interface Demand {
  readonly what: string;
  readonly phases: readonly Phase[];
  /** Its field. */
  readonly key: string;
}

/** Reports rules that ask for what their phases do not have: an error when none of them does. */
export function checkPhases(rules: readonly PlacedRule[], sources: readonly PlacedSource[], findings: Findings): void {
  for (const { policyIndex, policy, rule, keys, leaves, phases } of rules) {
    const place = { policyIndex, policy, rule, keys };
    const { tool } = rule;
    if (tool !== undefined && Object.values(tool).some((part) => part !== undefined)) {
      const demand = { what: "a tool selector", phases: TOOL_PHASES, key: "tool" };
      report(demand, { place: { ...place, keys: [...keys, "tool"] }, phases }, findings);
    }
    for (const leaf of leaves) {
      const demand = demandOf(leaf.leaf);
      if (demand !== undefined)
        report(demand, { place: { ...place, keys: [...leaf.keys, demand.key] }, phases }, findings);
    }
  }
  for (const { policyIndex, policy, leaves } of sources) {
    for (const { leaf, keys } of leaves) {
      const demand = demandOf(leaf);
      if (demand === undefined) continue;
      report(demand, { place: { policyIndex, policy, keys: [...keys, demand.key] }, phases: ["tool.after"] }, findings);
    }
  }
}

function demandOf(leaf: LeafCondition): Demand | undefined {
  switch (leaf.kind) {
    case "toolName":
    case "toolTag":
    case "argFrom":
      return { what: `\`${leaf.kind}\``, phases: TOOL_PHASES, key: "kind" };
    case "toolArg":
      if (leaf.in === "result") return { what: "a tool's result", phases: PAYLOAD_PHASES.result, key: "in" };
      return { what: "a tool's arguments", phases: PAYLOAD_PHASES.args, key: "kind" };
    case "executionTime":
      if (leaf.scope === "run") return undefined;
      return { what: "how long the call took", phases: AFTER_PHASES, key: "scope" };
    case "sensitiveData":
      if (leaf.in === undefined) return undefined;
      return { what: `\`in: ${leaf.in}\``, phases: PAYLOAD_PHASES[leaf.in], key: "in" };
    default:
      return undefined;
  }
}

interface PhasedPlace {
  readonly place: FindingPlace;
  readonly phases: readonly Phase[];
}

function report(demand: Demand, { place, phases }: PhasedPlace, findings: Findings): void {
  const without = phases.filter((phase) => !demand.phases.includes(phase));
  if (without.length === 0) return;
  const fix = `use it in ${demand.phases.join(" and ")} alone`;
  const message = `there is no such thing in ${without.join(" and ")} as ${demand.what}`;
  if (without.length === phases.length) findings.error(place, "HB_POLICY_PHASE_IMPOSSIBLE", { message, fix });
  else findings.warn(place, "HB_POLICY_PHASE_IMPOSSIBLE", { message, fix: `split the rule by phase; ${fix}` });
}
