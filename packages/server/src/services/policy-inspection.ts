import type { PoliciesChecked, ReportedFinding } from "@handlebar/protocol";
import {
  POLICY_CHECK_AGENT_COUNT_MAX,
  POLICY_CHECK_FINDING_COUNT_MAX,
  POLICY_CHECK_TOOL_COUNT_MAX,
} from "../limits.ts";
import type { AgentRecord } from "../storage/agents-table.ts";
import type { Store } from "../storage/store.ts";
import { type CheckScope, hasErrors } from "./policy-check.ts";
import { PolicyChecker } from "./policy-checker.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/** Policies as they are and as they would be, and which of them somebody asks about. */
export type InspectedPolicies = Pick<CheckScope, "before" | "after" | "candidateIds">;

/** Looks at policies together with what is registered in their workspace. */
export class PolicyInspection {
  readonly #store: Pick<Store, "agents">;
  readonly #checker: PolicyChecker;

  constructor({ store, runtime }: { readonly store: Pick<Store, "agents">; readonly runtime: ServerRuntime }) {
    this.#store = store;
    this.#checker = new PolicyChecker(runtime);
  }

  /** What is wrong with the candidates. */
  async findings(workspaceId: string, policies: InspectedPolicies): Promise<readonly ReportedFinding[]> {
    if (policies.candidateIds.size === 0) return [];
    const registered = await this.#registered(workspaceId);
    return (await this.#checker.check({ ...policies, ...registered, asksForAgents: false })).findings;
  }

  /** What is wrong with the candidates, and with the agents under the policies as they would be; within bounds. */
  async check(workspaceId: string, policies: InspectedPolicies): Promise<PoliciesChecked> {
    const scope = await this.#registered(workspaceId);
    const { findings, registered } = await this.#checker.check({ ...policies, ...scope, asksForAgents: true });
    const told = findings.slice(0, POLICY_CHECK_FINDING_COUNT_MAX);
    const toldOfAgents = registered.slice(0, POLICY_CHECK_FINDING_COUNT_MAX);
    return {
      ok: !hasErrors(findings),
      findings: told,
      registered: toldOfAgents,
      leftOutCount: findings.length - told.length + registered.length - toldOfAgents.length,
    };
  }

  /** Lets go of the thread that checks. */
  close(): Promise<void> {
    return this.#checker.close();
  }

  async #registered(workspaceId: string): Promise<Pick<CheckScope, "agents" | "inventory" | "isInventoryWhole">> {
    const agents: AgentRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#store.agents.list(workspaceId, { limit: 1_000, cursor });
      agents.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined && agents.length < POLICY_CHECK_AGENT_COUNT_MAX);
    const inventory = await this.#store.agents.inventory(workspaceId, POLICY_CHECK_TOOL_COUNT_MAX);
    const isInventoryWhole = cursor === undefined && inventory.length < POLICY_CHECK_TOOL_COUNT_MAX;
    return { agents, inventory, isInventoryWhole };
  }
}
