import { type Agent, type Condition, effectiveTags, type Tool } from "@handlebar/protocol";
import { selectsAgent } from "../compiled-rule.ts";
import { compileTextQuestion } from "../conditions/text-leaf.ts";
import { holdsForTags } from "../conditions/tool.ts";
import type { ToolFacts } from "../facts.ts";
import { CONDITION_DEPTH_MAX } from "../limits.ts";
import { FALSE, TRUE } from "../outcome.ts";
import { compileToolMatcher } from "../tool-matcher.ts";
import { ruleContext } from "./check-context.ts";
import type { PlacedRule } from "./condition-walk.ts";
import { WorkBudget } from "./logic/work-budget.ts";
import type { Findings } from "./policy-finding.ts";

/** Tools that are held against rules before nothing more is said: within a second. */
const REACH_WORK_COUNT_MAX = 5_000_000;

/** Names in one message. */
const NAMED_COUNT_MAX = 3;

/** One agent and what it can call. */
export interface AgentInventory {
  readonly agent: Agent;
  /** Empty where it registered none: what it can call is not known, and every rule may match it. */
  readonly tools: readonly Tool[];
}

/**
 * Reports rules of which no registered agent of their policy has a tool that they could match: by their selector, and by what their condition asks of a
 * tool's name and tags. A rule that no tool of any agent fits is another finding, and an agent selector that fits no agent too.
 */
export function checkReach(
  rules: readonly PlacedRule[],
  inventories: readonly AgentInventory[],
  findings: Findings,
): void {
  const reach = new Reach(inventories);
  const budget = new WorkBudget(REACH_WORK_COUNT_MAX);
  for (const placed of rules) {
    const { policy, rule, policyIndex, keys, phases } = placed;
    if (policy.enabled === false || rule.enabled === false || findings.hasError(policyIndex, rule)) continue;
    if (phases.some((phase) => phase.startsWith("llm."))) continue;
    const selected = reach.of(placed);
    if (selected === undefined) continue;
    const isElsewhere = reach.tools.length > selected.tools.length;
    if (!budget.spend(reach.tools.length)) return;
    const fits = toolTest(placed);
    if (selected.tools.some(fits)) continue;
    // Where no tool at all is such, that has been said, unless only both together rule it out.
    if (!(isElsewhere && reach.tools.some(fits)) && findings.isTold(rule, "HB_POLICY_TOOL_UNKNOWN")) continue;
    const who = selected.slugs.slice(0, NAMED_COUNT_MAX).map((slug) => `\`${slug}\``);
    const more = selected.slugs.length > who.length ? ` and ${selected.slugs.length - who.length} more` : "";
    findings.warn({ policyIndex, policy, rule, keys }, "HB_POLICY_RULE_UNREACHABLE", {
      message: `no tool of ${who.join(", ")}${more}, which the policy is for, can be matched by this rule`,
      fix: "correct the tool selector, what the condition asks of the tool, or the policy's agents",
    });
  }
}

interface Selected {
  readonly slugs: readonly string[];
  /** No two with the same name and tags. */
  readonly tools: readonly ToolFacts[];
}

/** What the agents of a policy can call. */
class Reach {
  /** Of all agents. */
  readonly tools: readonly ToolFacts[];
  readonly #inventories: readonly AgentInventory[];
  readonly #bySelector = new Map<string, Selected | undefined>();

  constructor(inventories: readonly AgentInventory[]) {
    this.#inventories = inventories;
    this.tools = distinct(inventories);
  }

  /** `undefined` where the policy is for no agent, or for one whose tools are not known. */
  of({ policy: { agents: selector } }: PlacedRule): Selected | undefined {
    const key = JSON.stringify(selector ?? null);
    if (!this.#bySelector.has(key)) {
      const theirs = this.#inventories.filter(({ agent: { slug, tags = [] } }) =>
        selectsAgent(selector, { slug, tags }),
      );
      const isKnown = theirs.length > 0 && theirs.every(({ tools }) => tools.length > 0);
      const slugs = theirs.map(({ agent }) => agent.slug);
      this.#bySelector.set(key, isKnown ? { slugs, tools: distinct(theirs) } : undefined);
    }
    return this.#bySelector.get(key);
  }
}

function distinct(inventories: readonly AgentInventory[]): readonly ToolFacts[] {
  const tools = new Map<string, ToolFacts>();
  for (const { tools: own } of inventories) {
    for (const tool of own) {
      const facts = { name: tool.name, tags: effectiveTags(tool) };
      tools.set(JSON.stringify([facts.name, [...facts.tags].sort()]), facts);
    }
  }
  return [...tools.values()];
}

/** Whether a rule may match some call of a tool. */
function toolTest({ policy, rule }: PlacedRule): (tool: ToolFacts) => boolean {
  const matcher = compileToolMatcher(rule.tool);
  const { when } = rule;
  if (when === undefined) return (tool) => matcher.matches(tool);
  const answer = compileAnswer(when, ruleContext(policy, rule), 1);
  return (tool) => matcher.matches(tool) && answer(tool) !== "no";
}

/** What a condition comes to for every call of a tool; `open` where it depends on the call. */
type Answer = "yes" | "no" | "open";

const OPPOSITE: Readonly<Record<Answer, Answer>> = { yes: "no", no: "yes", open: "open" };

function compileAnswer(
  condition: Condition,
  context: ReturnType<typeof ruleContext>,
  depth: number,
): (tool: ToolFacts) => Answer {
  const parts = (conditions: readonly Condition[]): readonly ((tool: ToolFacts) => Answer)[] =>
    conditions.map((one) => compileAnswer(one, context, depth + 1));
  if (depth > CONDITION_DEPTH_MAX) return () => "open";
  switch (condition.kind) {
    case "and":
      return combined(parts(condition.all), "no", "yes");
    case "or":
      return combined(parts(condition.any), "yes", "no");
    case "not": {
      const inner = compileAnswer(condition.not, context, depth + 1);
      return (tool) => OPPOSITE[inner(tool)];
    }
    case "toolTag":
      return ({ tags }) => (holdsForTags(condition, tags) ? "yes" : "no");
    case "toolName": {
      const { ask } = compileTextQuestion(condition, context);
      return ({ name }) => {
        const outcome = ask(name);
        return outcome === TRUE ? "yes" : outcome === FALSE ? "no" : "open";
      };
    }
    default:
      return () => "open";
  }
}

function combined(
  parts: readonly ((tool: ToolFacts) => Answer)[],
  decisive: Answer,
  otherwise: Answer,
): (tool: ToolFacts) => Answer {
  return (tool) => {
    let isOpen = false;
    for (const part of parts) {
      const answer = part(tool);
      if (answer === decisive) return decisive;
      isOpen ||= answer === "open";
    }
    return isOpen ? "open" : otherwise;
  };
}
