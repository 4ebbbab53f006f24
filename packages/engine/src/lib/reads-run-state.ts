import type { Condition, Policy } from "@handlebar/protocol";
import { selectsAgent } from "./compiled-rule.ts";
import type { AgentFacts } from "./facts.ts";
import type { PolicySet } from "./policy-set.ts";

/**
 * Whether what policies decide for an agent may depend on what happened earlier in its run, or on when the run began. Where it does not, nobody
 * needs to keep a run's state: neither a decision nor another run of the session misses it.
 */
export function readsRunState(set: PolicySet, agent: AgentFacts): boolean {
  return set.policies.some(
    (policy) => policy.enabled !== false && selectsAgent(policy.agents, agent) && remembers(policy),
  );
}

function remembers({ rules, flow }: Policy): boolean {
  if (flow?.scope === "session") return true;
  return rules.some(({ enabled, when }) => enabled !== false && when !== undefined && asksOfRun(when));
}

function asksOfRun(condition: Condition): boolean {
  switch (condition.kind) {
    case "and":
      return condition.all.some(asksOfRun);
    case "or":
      return condition.any.some(asksOfRun);
    case "not":
      return asksOfRun(condition.not);
    case "maxCalls":
    case "metricWindow":
    case "executionTime":
      return condition.scope === "run";
    case "sequence":
    case "label":
    case "argFrom":
      return true;
    case "expr":
      return exprAsksOfRun(condition.tree?.root);
    default:
      return false;
  }
}

/** Functions of an expression that ask what happened earlier. */
const RUN_FUNCTIONS: ReadonlySet<unknown> = new Set(["label", "called"]);

/** `run` is enough, whatever field of it is read: which one that is may show only when the expression runs. */
function exprAsksOfRun(node: unknown): boolean {
  if (typeof node !== "object" || node === null) return false;
  if ("fn" in node && RUN_FUNCTIONS.has(node.fn)) return true;
  if ("node" in node && node.node === "name" && "name" in node && node.name === "run") return true;
  return Object.values(node).some(exprAsksOfRun);
}
