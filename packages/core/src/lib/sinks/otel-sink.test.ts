import type { AuditEvent } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { type OtelLogRecord, otelSink } from "./otel-sink.ts";

const event = {
  schema: "handlebar.audit.v1",
  eventId: "01890a5d-ac96-774b-bcce-b302099a8057",
  seq: 3,
  ts: "2026-01-02T03:04:05.678Z",
  agentId: "support",
  runId: "run-1",
  sessionId: "session-1",
  actorExternalId: "u-1",
  otel: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" },
  kind: "tool.decision",
  data: {
    verdict: "BLOCK",
    control: "CONTINUE",
    cause: { kind: "RULE_VIOLATION", ruleId: "r", policyId: "p" },
    finalRuleId: "r",
    evaluatedRules: [],
    message: "no",
    callId: "c",
    tool: { name: "refund" },
  },
} as unknown as AuditEvent;

describe("otelSink", () => {
  it("emits a log record with the event as body and what one searches by as attributes", () => {
    const records: OtelLogRecord[] = [];
    void otelSink({ logger: { emit: (record) => records.push(record) } }).write(event);
    expect(records).toEqual([
      {
        eventName: "handlebar.tool.decision",
        timestamp: new Date("2026-01-02T03:04:05.678Z"),
        severityNumber: 13,
        severityText: "WARN",
        body: JSON.stringify(event),
        attributes: {
          "handlebar.event_id": event.eventId,
          "handlebar.seq": 3,
          "handlebar.agent": "support",
          "handlebar.run_id": "run-1",
          "handlebar.session_id": "session-1",
          "handlebar.actor": "u-1",
          trace_id: "0af7651916cd43dd8448eb211c80319c",
          span_id: "b7ad6b7169203331",
          "handlebar.tool": "refund",
          "handlebar.verdict": "BLOCK",
          "handlebar.control": "CONTINUE",
          "handlebar.cause": "RULE_VIOLATION",
          "handlebar.rule": "r",
        },
      },
    ]);
  });
});
