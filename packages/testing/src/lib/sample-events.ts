import { type AuditEvent, EVENT_SCHEMA, type EventData, type EventKind } from "@handlebar/protocol";

/** What `data` of each kind looks like. */
const SAMPLES: { readonly [K in EventKind]: EventData<K> } = {
  "run.started": {
    agent: { slug: "support" },
    enforceMode: "enforce",
    sdk: { name: "@handlebar/core", version: "0.0.0" },
    actor: { externalId: "u_42", metadata: { tier: "gold" } },
  },
  "tool.decision": {
    verdict: "BLOCK",
    control: "CONTINUE",
    cause: { kind: "RULE_VIOLATION", ruleId: "refunds/large", policyId: "refunds" },
    message: "this call was denied",
    evaluatedRules: [],
    finalRuleId: "refunds/large",
    callId: "call-1",
    tool: { name: "refund", tags: ["money"] },
    args: { amount: 900 },
  },
  "tool.result": { callId: "call-1", tool: { name: "refund" }, outcome: "success", result: { ok: true } },
  "message.raw.created": { messageId: "message-1", role: "user", content: "please refund me" },
  "llm.decision": {
    verdict: "ALLOW",
    control: "CONTINUE",
    cause: { kind: "ALLOW" },
    message: "this call is allowed",
    evaluatedRules: [],
    callId: "call-2",
  },
  "llm.result": { callId: "call-2", outcome: "success", metrics: { llm_tokens_in: 12 } },
  "approval.requested": {
    approval: {
      approvalId: "approval-1",
      fingerprint: "a".repeat(64),
      agent: "support",
      runId: "run-1",
      callId: "call-1",
      tool: "refund",
      ruleId: "refunds/large",
      policyId: "refunds",
    },
  },
  "approval.resolved": { approvalId: "approval-1", callId: "call-1", status: "approved", by: "boss" },
  "lockdown.applied": { lockdownId: "lockdown-1", scope: { kind: "workspace" }, enforced: true },
  "policy.applied": { revision: 1, policyIds: ["refunds"] },
  "events.dropped": {
    counts: [{ reason: "overflow", kind: "message.raw.created", count: 2 }],
    ranges: [{ runId: "run-0", from: 4, to: 5 }],
  },
  error: { code: "HB_SINK_FAILED", scope: "sink", message: "a sink failed" },
  "run.ended": { status: "success", steps: 1 },
};

export interface SampleEventOptions<K extends EventKind> {
  readonly seq?: number | undefined;
  readonly runId?: string | undefined;
  /** Laid over the sample's own. */
  readonly data?: Partial<EventData<K>> | undefined;
}

/** A well-formed event of a kind, for tests of sinks and stores. The same arguments give the same event. */
export function sampleEvent<K extends EventKind>(kind: K, options: SampleEventOptions<K> = {}): AuditEvent<K> {
  const { seq = 0, runId = "run-1", data } = options;
  const event = {
    schema: EVENT_SCHEMA,
    eventId: idOf(`${runId}/${kind}`, seq),
    seq,
    ts: new Date(Date.UTC(2026, 0, 5, 12) + seq).toISOString(),
    agentId: "support",
    runId,
    kind,
    data: { ...SAMPLES[kind], ...data },
  };
  // `SAMPLES` pairs each kind with its data, and the rest is the envelope.
  return event as unknown as AuditEvent<K>;
}

/** A UUIDv7 that depends on both alone. */
function idOf(name: string, seq: number): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  const head = (hash >>> 0).toString(16).padStart(8, "0");
  return `019b0000-0000-7000-8000-${head.slice(0, 6)}${seq.toString(16).padStart(6, "0")}`;
}
