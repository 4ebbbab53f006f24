import { describe, expect, it } from "vitest";
import {
  auditEventSchema,
  EVENT_KINDS,
  EVENT_SCHEMA,
  type EventKind,
  eventDataSchemas,
  eventEnvelopeSchema,
} from "./event.ts";
import { parseValue } from "./issue.ts";

const ENVELOPE = {
  schema: EVENT_SCHEMA,
  eventId: "01933b3a-7c00-7000-8000-000000000000",
  seq: 0,
  ts: "2026-01-31T09:00:00.000Z",
  agentId: "support",
  runId: "run",
};
const DECISION = { verdict: "ALLOW", control: "CONTINUE", cause: { kind: "ALLOW" }, message: "", evaluatedRules: [] };
const APPROVAL = {
  approvalId: "a",
  fingerprint: "f".repeat(64),
  agent: "support",
  runId: "run",
  callId: "c",
  tool: "t",
  ruleId: "r",
  policyId: "p",
};

/** The least that each kind carries. */
const DATA: Readonly<Record<EventKind, object>> = {
  "run.started": { agent: { slug: "support" }, enforceMode: "enforce", sdk: { name: "core", version: "1" } },
  "tool.decision": { ...DECISION, callId: "c", tool: { name: "t" } },
  "tool.result": { callId: "c", tool: { name: "t" }, outcome: "success" },
  "message.raw.created": { messageId: "m", role: "user", content: "hi" },
  "llm.decision": { ...DECISION, callId: "c" },
  "llm.result": { callId: "c", outcome: "error", error: { message: "no" } },
  "approval.requested": { approval: APPROVAL },
  "approval.resolved": { approvalId: "a", callId: "c", status: "expired" },
  "lockdown.applied": { lockdownId: "l", scope: { kind: "workspace" }, enforced: true },
  "policy.applied": { revision: 0, policyIds: [] },
  "events.dropped": {
    counts: [{ reason: "full", kind: "message.raw.created", count: 2 }],
    ranges: [{ runId: "run", from: 1, to: 2 }],
  },
  error: { code: "HB_SINK_FAILED", scope: "sink", message: "it failed" },
  "run.ended": { status: "success", steps: 0 },
};

describe("auditEventSchema", () => {
  it("knows the kinds of the design", () => {
    expect(EVENT_KINDS).toEqual(Object.keys(DATA));
    expect(Object.keys(eventDataSchemas)).toEqual(EVENT_KINDS);
  });

  it.each(Object.entries(DATA))("takes %s, and its data under no other kind", (kind, data) => {
    const event = { ...ENVELOPE, kind, data };
    expect(parseValue(auditEventSchema, event)).toEqual({ ok: true, value: event });
    expect(parseValue(eventEnvelopeSchema, event)).toEqual({ ok: true, value: event });
    const takenBy = EVENT_KINDS.filter((other) => parseValue(auditEventSchema, { ...event, kind: other }).ok);
    expect(takenBy).toEqual([kind]);
  });

  it.each<[string, object, readonly string[]]>([
    [
      "a kind that does not exist",
      { kind: "tool.started" },
      [expect.stringMatching(/^kind: must be one of `run.started`, .*, not `tool.started`$/)],
    ],
    ["a gap below zero", { seq: -1 }, ["seq: must be at least 0"]],
    ["an event id that is no UUID", { eventId: "1" }, ["eventId: must be a UUID"]],
    [
      "another schema",
      { schema: "handlebar.audit.v2" },
      ["schema: must be `handlebar.audit.v1`, not `handlebar.audit.v2`; did you mean `handlebar.audit.v1`?"],
    ],
    ["a field that does not exist", { userId: "u" }, [expect.stringMatching(/^userId: unknown field; /)]],
    [
      "a status that does not exist",
      { data: { status: "done", steps: 0 } },
      ["data.status: must be one of `success`, `error`, `timeout`, `interrupted`, not `done`"],
    ],
  ])("refuses %s", (_what, change, expected) => {
    const parsed = parseValue(auditEventSchema, { ...ENVELOPE, kind: "run.ended", data: DATA["run.ended"], ...change });
    expect(parsed.ok ? [] : parsed.issues.map((issue) => `${issue.path}: ${issue.message}`)).toEqual(expected);
  });
});
