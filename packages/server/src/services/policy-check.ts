import { checkPolicies, type PolicyFinding, policyIdOf } from "@handlebar/engine/check";
import {
  type Agent,
  formatPath,
  type Policy,
  type RegisteredFinding,
  type ReportedFinding,
  type Tool,
} from "@handlebar/protocol";
import { POLICY_CHECK_LIST_COUNT_MAX } from "../limits.ts";
import { isPolicyFor } from "./agent-policies.ts";
import { registeredFindingsOf, toolsByAgent } from "./registered-check.ts";

/** What policies are checked against. */
export interface CheckScope {
  /** All that were in force before, by id. */
  readonly before: readonly Policy[];
  /** All that would be in force, those that did not change included. */
  readonly after: readonly Policy[];
  /** The ones that somebody wants to save. */
  readonly candidateIds: ReadonlySet<string>;
  readonly agents: readonly (Agent & { readonly agentId: string })[];
  readonly inventory: readonly { readonly agentId: string; readonly tool: Tool }[];
  /** Neither agents nor tools were left out. */
  readonly isInventoryWhole: boolean;
  /** Agents and their tools are looked at too. */
  readonly asksForAgents: boolean;
}

/** What a check finds. */
export interface PolicyReport {
  readonly findings: readonly ReportedFinding[];
  /** Empty where nobody asked for it. */
  readonly registered: readonly RegisteredFinding[];
}

export function inspect(scope: CheckScope): PolicyReport {
  return { findings: findingsOf(scope), registered: scope.asksForAgents ? registeredFindingsOf(scope) : [] };
}

/**
 * What is wrong with the candidates, together with the policies that apply to the same agents, and what saving them would break in those.
 * Policies that never meet in one agent are not held against each other.
 */
function findingsOf(scope: CheckScope): readonly ReportedFinding[] {
  const order = new Map(scope.after.map((policy, at) => [policyIdOf(policy), at]));
  const all = findingsOfList(scope.after, scope);
  const findings = all.some(({ severity }) => severity === "error") ? findingsWhereTheyMeet(scope) : all;
  return [...findings].sort((a, b) => compare(a, b, order)).map(toReported);
}

/** Of all policies together there may be more than one agent could have: an error counts where they meet. */
function findingsWhereTheyMeet(scope: CheckScope): readonly PolicyFinding[] {
  const found = new Map<string, PolicyFinding>();
  for (const list of meetingLists(scope.after, scope.candidateIds)) {
    for (const finding of findingsOfList(list, scope)) found.set(JSON.stringify(finding), finding);
  }
  return [...found.values()];
}

export function hasErrors(findings: readonly ReportedFinding[]): boolean {
  return findings.some(({ severity }) => severity === "error");
}

/** For every agent that a selector names, and for all others, the policies that may apply to it, where a candidate is among them. */
function meetingLists(policies: readonly Policy[], candidateIds: ReadonlySet<string>): readonly (readonly Policy[])[] {
  const slugs = new Set(policies.flatMap(({ agents }) => agents?.anyOfSlugs ?? []));
  const lists = new Map<string, readonly Policy[]>();
  for (const slug of [undefined, ...slugs]) {
    const list = policies.filter(({ agents }) => {
      const named = agents?.anyOfSlugs;
      return named === undefined || (slug !== undefined && named.includes(slug));
    });
    if (!list.some((policy) => candidateIds.has(policyIdOf(policy)))) continue;
    lists.set(JSON.stringify(list.map(policyIdOf)), list);
    if (lists.size >= POLICY_CHECK_LIST_COUNT_MAX) break;
  }
  return [...lists.values()];
}

function findingsOfList(list: readonly Policy[], scope: CheckScope): readonly PolicyFinding[] {
  const { candidateIds, before } = scope;
  const all = checkPolicies(list, registeredFor(list, scope));
  const own = all.filter(({ policyId }) => candidateIds.has(policyId));
  const others = all.filter(({ policyId, severity }) => severity === "error" && !candidateIds.has(policyId));
  if (others.length === 0) return own;
  const ids = new Set(list.map(policyIdOf));
  const known = checkPolicies(before.filter((policy) => ids.has(policyIdOf(policy))));
  const knownTexts = new Set(known.map((finding) => JSON.stringify(finding)));
  return [...own, ...others.filter((finding) => !knownTexts.has(JSON.stringify(finding)))];
}

/** The agents and the tools of those that a candidate is for; where none are registered, nothing is held against it. */
function registeredFor(
  list: readonly Policy[],
  { candidateIds, agents, inventory, isInventoryWhole }: CheckScope,
): Parameters<typeof checkPolicies>[1] {
  const candidates = list.filter((policy) => candidateIds.has(policyIdOf(policy)));
  const theirs = agents.filter((agent) => candidates.some((policy) => isPolicyFor(policy, agent)));
  const agentIds = new Set(theirs.map(({ agentId }) => agentId));
  const own = toolsByAgent(inventory.filter(({ agentId }) => agentIds.has(agentId)));
  const toolsOf = (agentId: string): readonly Tool[] => own.get(agentId) ?? [];
  const tools = theirs.flatMap(({ agentId }) => toolsOf(agentId));
  return {
    ...(agents.length === 0 ? {} : { agents }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(isInventoryWhole ? { inventories: theirs.map((agent) => ({ agent, tools: toolsOf(agent.agentId) })) } : {}),
  };
}

function compare(a: PolicyFinding, b: PolicyFinding, order: ReadonlyMap<string, number>): number {
  const rank = ({ severity }: PolicyFinding): number => (severity === "error" ? 0 : 1);
  return rank(a) - rank(b) || (order.get(a.policyId) ?? 0) - (order.get(b.policyId) ?? 0);
}

function toReported({ keys, severity, code, policyId, ruleId, message, fix }: PolicyFinding): ReportedFinding {
  return {
    severity,
    code,
    policyId,
    ...(ruleId === undefined ? {} : { ruleId }),
    path: formatPath(keys),
    keys: keys.map((key) => (typeof key === "number" ? key : String(key))),
    message,
    fix,
  };
}
