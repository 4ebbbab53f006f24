import type { Policy } from "@handlebar/protocol";
import { type CompiledPolicy, type CompiledRule, selectsAgent } from "./compiled-rule.ts";
import type { Counter } from "./counter.ts";
import type { AgentFacts } from "./facts.ts";
import type { CompiledFlow } from "./flow/compile-flow.ts";
import { AGENT_MEMO_COUNT_MAX } from "./limits.ts";
import { RuleIndex } from "./rule-index.ts";

interface PolicySetParts {
  readonly policies: readonly CompiledPolicy[];
  /** In the order of `order`. */
  readonly rules: readonly CompiledRule[];
  readonly counters: readonly Counter[];
  readonly flow: CompiledFlow;
  /** The one agent that it is for. */
  readonly agent: AgentFacts | undefined;
}

/**
 * Policies made ready for `decide`. Never changes, so that a new revision is applied by putting another set in its place;
 * what it remembers of tools it met is bounded and shows in nothing but speed.
 */
export class PolicySet {
  /** All policies with their ids and their rules' ids filled in, those disabled or for other agents included. */
  readonly policies: readonly Policy[];
  /** Where labels come from. @internal */
  readonly flow: CompiledFlow;
  readonly #parts: PolicySetParts;
  readonly #only: RuleIndex | undefined;
  readonly #byAgent = new Map<string, RuleIndex>();

  /** @internal use `compile`. */
  constructor(parts: PolicySetParts) {
    this.policies = parts.policies.map((policy) => policy.source);
    this.flow = parts.flow;
    this.#parts = parts;
    const isForAll = parts.policies.every((policy) => policy.source.agents === undefined);
    if (parts.agent !== undefined) this.#only = this.#indexFor(parts.agent);
    else if (isForAll) this.#only = this.#indexFor({ slug: "", tags: [] });
  }

  /** The rules of the policies that are for an agent. @internal */
  indexFor(agent: AgentFacts): RuleIndex {
    if (this.#only !== undefined) return this.#only;
    const key = `${agent.slug}\n${agent.tags.join("\n")}`;
    const known = this.#byAgent.get(key);
    if (known !== undefined) return known;
    if (this.#byAgent.size >= AGENT_MEMO_COUNT_MAX) this.#byAgent.clear();
    const index = this.#indexFor(agent);
    this.#byAgent.set(key, index);
    return index;
  }

  #indexFor(agent: AgentFacts): RuleIndex {
    const { policies, rules, counters } = this.#parts;
    const isFor = policies.map((policy) => selectsAgent(policy.source.agents, agent));
    const isCounting = (counter: Counter): boolean =>
      isFor[counter.policyIndex] === true && policies[counter.policyIndex]?.isEnabled === true;
    return new RuleIndex(
      rules.filter((rule) => isFor[rule.policy.index] === true),
      counters.filter(isCounting),
    );
  }
}
