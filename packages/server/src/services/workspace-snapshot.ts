import { compile, type PolicySet } from "@handlebar/engine";
import type { Agent, AgentState, Lockdown, Policy } from "@handlebar/protocol";
import { SNAPSHOT_AGENT_COUNT_MAX } from "../limits.ts";
import { isPolicyFor } from "./agent-policies.ts";

/** The policies of one agent, and their JSON text, which is written once for all agents that have the same ones. */
interface PolicyView {
  readonly policies: readonly Policy[];
  json: string | undefined;
  set: PolicySet | undefined;
}

/** What is in force in a workspace at one revision. Never changes. */
export class WorkspaceSnapshot {
  readonly workspaceId: string;
  readonly revision: number;
  /** All policies, disabled and shadowed ones included: ids filled in, expressions prepared. */
  readonly policies: readonly Policy[];
  readonly lockdowns: readonly Lockdown[];
  readonly #viewOfAgent = new Map<string, PolicyView>();
  readonly #viewOfPolicies = new Map<string, PolicyView>();

  constructor(parts: {
    readonly workspaceId: string;
    readonly revision: number;
    readonly policies: readonly Policy[];
    readonly lockdowns: readonly Lockdown[];
  }) {
    this.workspaceId = parts.workspaceId;
    this.revision = parts.revision;
    this.policies = parts.policies;
    this.lockdowns = parts.lockdowns;
  }

  /**
   * The policies of this agent and no others, as its clients have them, compiled at first need and once for all agents that have the same ones.
   *
   * @throws HandlebarError `HB_POLICY_...` where they do not compile together: clients refuse them too.
   */
  setFor(agent: Pick<Agent, "slug" | "tags">): PolicySet {
    const view = this.#view(agent);
    view.set ??= compile(view.policies);
    return view.set;
  }

  /** The same policies at another revision, with other lockdowns: what was made of the policies is kept. */
  withLockdowns(revision: number, lockdowns: readonly Lockdown[]): WorkspaceSnapshot {
    const next = new WorkspaceSnapshot({ ...this, revision, lockdowns });
    for (const [key, view] of this.#viewOfAgent) next.#viewOfAgent.set(key, view);
    for (const [key, view] of this.#viewOfPolicies) next.#viewOfPolicies.set(key, view);
    return next;
  }

  /** The policies of this agent; the same list for all agents that have the same ones. */
  policiesFor(agent: Pick<Agent, "slug" | "tags">): readonly Policy[] {
    return this.#view(agent).policies;
  }

  /** The state as a client of this agent gets it. */
  stateFor(agent: Pick<Agent, "slug" | "tags">, nowMs: number): AgentState {
    return {
      revision: this.revision,
      policies: [...this.#view(agent).policies],
      lockdowns: [...this.lockdowns],
      serverTimeMs: nowMs,
    };
  }

  /** `stateFor` as JSON text. */
  stateJsonFor(agent: Pick<Agent, "slug" | "tags">, nowMs: number): string {
    const view = this.#view(agent);
    view.json ??= JSON.stringify(view.policies);
    const lockdowns = JSON.stringify(this.lockdowns);
    return `{"revision":${this.revision},"policies":${view.json},"lockdowns":${lockdowns},"serverTimeMs":${nowMs}}`;
  }

  #view(agent: Pick<Agent, "slug" | "tags">): PolicyView {
    const key = `${agent.slug}\n${(agent.tags ?? []).join("\n")}`;
    const known = this.#viewOfAgent.get(key);
    if (known !== undefined) return known;
    if (this.#viewOfAgent.size >= SNAPSHOT_AGENT_COUNT_MAX) {
      this.#viewOfAgent.clear();
      this.#viewOfPolicies.clear();
    }
    const isFor = this.policies.map((policy) => isPolicyFor(policy, agent));
    const name = isFor.map(Number).join("");
    const view = this.#viewOfPolicies.get(name) ?? {
      policies: this.policies.filter((_, at) => isFor[at]),
      json: undefined,
      set: undefined,
    };
    this.#viewOfPolicies.set(name, view);
    this.#viewOfAgent.set(key, view);
    return view;
  }
}
