import type { Store } from "./storage/store.ts";

const ALL = { limit: 1000 } as const;

/** Everything that a store holds of one workspace, but for when keys were last used and what time alone changes. */
export async function dumpWorkspace(store: Store, workspaceId: string): Promise<unknown> {
  const { items: agents } = await store.agents.list(workspaceId, ALL);
  const policies = await store.policies.list(workspaceId);
  const { items: runs } = await store.runs.list(workspaceId, {}, ALL);
  return {
    mark: await store.changes.mark(workspaceId),
    keys: (await store.keys.list(workspaceId)).map(({ lastUsedAtMs: _lastUsedAtMs, ...key }) => key),
    agents,
    tools: await Promise.all(agents.map(({ agentId }) => store.agents.tools(workspaceId, agentId))),
    clients: await store.agents.clients(workspaceId),
    policies,
    versions: await Promise.all(policies.map(({ policyId }) => store.policies.versions(workspaceId, policyId))),
    lockdowns: await store.lockdowns.list(workspaceId, 1000),
    approvals: (await store.approvals.list(workspaceId, {}, ALL)).items,
    webhooks: await store.webhooks.list(workspaceId),
    audit: (await store.audit.list(workspaceId, {}, ALL)).items,
    leases: (await store.budgets.leases(workspaceId)).map(({ status: _status, ...lease }) => lease),
    runs,
    runStates: await Promise.all(runs.map(({ runId }) => store.runStates.get(workspaceId, runId))),
    events: (await store.events.search(workspaceId, {}, ALL)).items,
  };
}
