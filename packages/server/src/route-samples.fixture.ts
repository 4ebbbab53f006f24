import { uuidv7 } from "uuidv7";

/** One request that its route takes. */
export interface RouteSample {
  readonly operationId: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Ids that only answers give. */
export interface KnownIds {
  lockdownId: string;
  keyId: string;
  webhookId: string;
  messageId: string;
}

/** Stands in everything that samples store, so that it is found where it must not be. */
export const MARK = "marked-by-a-sample";

const RUN_ID = "run-1";
const EVENT_ID = uuidv7();
const APPROVAL_ID = "approval-1";
const REFUNDS = {
  id: "refunds",
  name: "refunds",
  description: MARK,
  rules: [
    {
      id: "large",
      name: "large",
      on: "tool.before",
      tool: { name: "refund" },
      when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
      effect: { type: "hitl", reason: MARK },
    },
    {
      id: "many",
      name: "many",
      on: "tool.before",
      when: { kind: "maxCalls", scope: "agent", max: 1000, windowSeconds: 3600 },
      effect: { type: "block" },
    },
  ],
} as const;
const LEASE_KEY = { policyId: "refunds", ruleId: "many", index: 0, scope: "agent", scopeId: "support" };
const FACTS = {
  phase: "tool.before",
  runId: RUN_ID,
  callId: "call-1",
  tool: { name: "refund", tags: ["money"] },
  args: { amount: 20, note: MARK },
};
const EVENT = {
  schema: "handlebar.audit.v1",
  eventId: EVENT_ID,
  seq: 0,
  ts: new Date().toISOString(),
  agentId: "support",
  runId: RUN_ID,
  kind: "run.started",
  data: { agent: { slug: "support" }, enforceMode: "enforce", prompt: MARK, sdk: { name: "sample", version: "1" } },
};
const agent = { agentId: "support" };
const run = { runId: RUN_ID };
const policy = { policyId: "refunds" };

/** A request for every route, in an order in which each finds what it needs. */
export function routeSamples(known: KnownIds): readonly RouteSample[] {
  const webhook = { webhookId: known.webhookId };
  return [
    {
      operationId: "registerAgent",
      body: { slug: "support", name: MARK, tools: [{ name: "refund", tags: ["money"] }] },
    },
    { operationId: "registerAgentByPost", body: { slug: "support", name: MARK } },
    { operationId: "registerTools", params: agent, body: { tools: [{ name: "lookup", description: MARK }] } },
    { operationId: "listAgents" },
    { operationId: "getAgent", params: agent },
    { operationId: "listTools", params: agent },
    { operationId: "listToolVersions", params: { ...agent, name: "refund" } },
    { operationId: "putPolicy", params: policy, body: { policy: { ...REFUNDS, mode: "shadow" } } },
    {
      operationId: "pushPolicies",
      body: {
        policies: [
          { ...REFUNDS, enabled: false },
          { name: "other", rules: [] },
        ],
      },
    },
    { operationId: "checkPolicies", body: { policies: [REFUNDS] } },
    { operationId: "listPolicies" },
    { operationId: "getPolicy", params: policy },
    { operationId: "listPolicyVersions", params: policy },
    { operationId: "diffPolicy", params: policy, query: "from=1&to=2" },
    { operationId: "rollbackPolicy", params: policy, body: { version: 1 } },
    { operationId: "promotePolicy", params: policy, body: { comment: MARK } },
    { operationId: "listAcks" },
    { operationId: "listPolicyAcks", params: policy },
    { operationId: "getState", params: agent },
    { operationId: "streamState", params: agent },
    { operationId: "acknowledgeState", params: agent, body: { clientId: "client-1", revision: 1, lockdownIds: [] } },
    { operationId: "checkCalls", body: { agentId: "support", facts: FACTS } },
    {
      operationId: "evaluateCall",
      params: run,
      body: { phase: "tool.before", agentId: "support", tool: { name: "refund" }, args: {} },
    },
    {
      operationId: "changeLeases",
      params: agent,
      body: { clientId: "client-1", operations: [{ op: "request", leaseId: "lease-1", key: LEASE_KEY, amount: 10 }] },
    },
    {
      operationId: "startRun",
      params: run,
      body: { agentId: "support", sessionId: "session-1", tags: { mark: MARK } },
    },
    { operationId: "ingestEvents", body: { agentId: "support", events: [EVENT] } },
    { operationId: "endRun", params: run, body: { agentId: "support", status: "success" } },
    { operationId: "listRuns" },
    { operationId: "getRun", params: run },
    { operationId: "listRunEvents", params: run },
    { operationId: "searchEvents" },
    {
      operationId: "replayPolicies",
      body: { policies: [REFUNDS], since: new Date(Date.now() - 3_600_000).toISOString() },
    },
    { operationId: "getEvent", params: { eventId: EVENT_ID } },
    { operationId: "tailEvents" },
    { operationId: "getStats", query: `since=${encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString())}` },
    {
      operationId: "claimApproval",
      body: {
        approvalId: APPROVAL_ID,
        fingerprint: "a".repeat(64),
        agent: "support",
        runId: "run-2",
        callId: "call-2",
        tool: "refund",
        args: { amount: 900, note: MARK },
        ruleId: "large",
        policyId: "refunds",
      },
    },
    { operationId: "listApprovals" },
    { operationId: "getApproval", params: { approvalId: APPROVAL_ID } },
    { operationId: "resolveApproval", params: { approvalId: APPROVAL_ID }, body: { status: "approved", by: MARK } },
    {
      operationId: "resolveApprovals",
      body: { approvalIds: [APPROVAL_ID], status: "denied", comment: MARK },
    },
    { operationId: "cancelApproval", params: { approvalId: APPROVAL_ID }, body: { comment: MARK } },
    { operationId: "listAudit", query: "action=approval." },
    { operationId: "createWebhook", body: { name: MARK, url: "https://hooks.invalid/in" } },
    { operationId: "listWebhooks" },
    { operationId: "getWebhook", params: webhook },
    { operationId: "testWebhook", params: webhook },
    { operationId: "listDeliveries", params: webhook },
    { operationId: "replayDelivery", params: { ...webhook, messageId: known.messageId } },
    { operationId: "rotateWebhook", params: webhook, body: { graceSeconds: 60 } },
    { operationId: "enableWebhook", params: webhook },
    { operationId: "deleteWebhook", params: webhook },
    { operationId: "createLockdown", body: { scope: { kind: "session", sessionId: "session-9" }, reason: MARK } },
    { operationId: "listLockdowns" },
    { operationId: "getLockdown", params: { lockdownId: known.lockdownId } },
    { operationId: "liftLockdown", params: { lockdownId: known.lockdownId } },
    { operationId: "createKey", body: { name: MARK } },
    { operationId: "listKeys" },
    { operationId: "readCurrentKey" },
    { operationId: "rotateKey", params: { keyId: known.keyId }, body: { graceSeconds: 3600 } },
    { operationId: "revokeKey", params: { keyId: known.keyId } },
    { operationId: "deletePolicy", params: policy },
  ];
}
