import { type Agent, effectiveTags, type RegisteredFinding, type Tool } from "@handlebar/protocol";
import { POLICY_CHECK_TOOL_NAME_COUNT_MAX } from "../limits.ts";
import { isPolicyFor } from "./agent-policies.ts";
import type { CheckScope } from "./policy-check.ts";

/** Which agents no policy is enforced for, and which of their tools no rule by tag can match; by slug. */
export function registeredFindingsOf({ after, agents, inventory }: CheckScope): readonly RegisteredFinding[] {
  const tools = toolsByAgent(inventory);
  const policies = after.filter(({ enabled }) => enabled !== false);
  const enforced = policies.filter(({ mode }) => mode !== "shadow");
  const bySlug = [...agents].sort((a, b) => (a.slug < b.slug ? -1 : 1));
  return bySlug.flatMap((agent) => {
    const isGoverned = enforced.some((policy) => isPolicyFor(policy, agent));
    const isInShadow = !isGoverned && policies.some((policy) => isPolicyFor(policy, agent));
    return [...(isGoverned ? [] : [ungoverned(agent, isInShadow)]), ...untagged(agent, tools.get(agent.agentId) ?? [])];
  });
}

export function toolsByAgent(inventory: CheckScope["inventory"]): ReadonlyMap<string, readonly Tool[]> {
  const tools = new Map<string, Tool[]>();
  for (const { agentId, tool } of inventory) {
    const own = tools.get(agentId);
    if (own === undefined) tools.set(agentId, [tool]);
    else own.push(tool);
  }
  return tools;
}

function ungoverned({ slug }: Agent, isInShadow: boolean): RegisteredFinding {
  return {
    severity: "warning",
    code: "HB_POLICY_AGENT_UNGOVERNED",
    agent: slug,
    ...(isInShadow
      ? {
          message: `only policies in shadow are for the agent \`${slug}\`: nothing is enforced`,
          fix: "promote one of them once it does what it should",
        }
      : {
          message: `no policy is for the agent \`${slug}\`: every call is let through`,
          fix: "give a policy's agent selector its slug or one of its tags",
        }),
  };
}

function untagged({ slug }: Agent, tools: readonly Tool[]): readonly RegisteredFinding[] {
  const names = tools.filter((tool) => effectiveTags(tool).length === 0).map(({ name }) => name);
  if (names.length === 0) return [];
  const those = names.length === 1 ? `the tool \`${names[0]}\`` : `${names.length} tools`;
  return [
    {
      severity: "warning",
      code: "HB_POLICY_TOOL_UNTAGGED",
      agent: slug,
      tools: names.sort().slice(0, POLICY_CHECK_TOOL_NAME_COUNT_MAX),
      toolCount: names.length,
      message: `${those} of the agent \`${slug}\` ${names.length === 1 ? "has" : "have"} neither tags nor a classification, so that no rule by tag matches`,
      fix: "register with tags or a classification",
    },
  ];
}
