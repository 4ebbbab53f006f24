import { type AuditEvent, EVENT_SCHEMA, type EventData, type EventKind, type Policy } from "@handlebar/protocol";
import { parsePolicies } from "../read-policies.ts";
import { createReplay, type ReplayOptions } from "./replay.ts";
import type { ReplayReport } from "./report.ts";

export interface Envelope {
  readonly runId?: string;
  /** After noon of Monday, 5 January 2026. */
  readonly atMs?: number;
  readonly sessionId?: string;
  readonly stepIndex?: number;
  readonly redaction?: AuditEvent["redaction"];
}

const NOON_MS = Date.UTC(2026, 0, 5, 12);

/** An audit event as it stands in a file. */
export function event<K extends EventKind>(kind: K, data: EventData<K>, envelope: Envelope = {}): object {
  const { runId = "r1", atMs = 0, ...rest } = envelope;
  const ids = { eventId: "0190a1b2-0000-7000-8000-000000000001", seq: 0, agentId: "support", runId };
  return { schema: EVENT_SCHEMA, ...ids, ts: new Date(NOON_MS + atMs).toISOString(), kind, data, ...rest };
}

const ALLOWED = {
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  message: "",
  evaluatedRules: [],
} as const;

export function started(data: Partial<EventData<"run.started">> = {}, envelope: Envelope = {}): object {
  const sdk = { name: "@handlebar/core", version: "0.1.0" };
  return event("run.started", { agent: { slug: "support" }, enforceMode: "enforce", sdk, ...data }, envelope);
}

/** A call that was proposed; let through where `data` does not say otherwise. */
export function called(tool: string, data: Partial<EventData<"tool.decision">> = {}, envelope: Envelope = {}): object {
  const call = { callId: `call-${tool}`, tool: { name: tool }, args: {} };
  return event("tool.decision", { ...ALLOWED, evaluatedRules: [], ...call, ...data }, envelope);
}

export function returned(tool: string, data: Partial<EventData<"tool.result">> = {}, envelope: Envelope = {}): object {
  const result = { callId: `call-${tool}`, tool: { name: tool }, outcome: "success" as const };
  return event("tool.result", { ...result, ...data }, envelope);
}

export function asked(envelope: Envelope = {}): object {
  return event("llm.decision", { ...ALLOWED, evaluatedRules: [], callId: "model-1" }, envelope);
}

export function said(role: "user" | "assistant" | "tool", content: string, envelope: Envelope = {}): object {
  return event("message.raw.created", { messageId: "m1", role, content }, envelope);
}

export function policiesOf(rules: string, head: string = ""): readonly Policy[] {
  return parsePolicies(`name: p\n${head}rules:\n${rules.replace(/^/gm, "  ")}`);
}

export function replayed(policies: readonly Policy[], rows: readonly unknown[], options?: ReplayOptions): ReplayReport {
  const replay = createReplay(policies, options);
  for (const row of rows) replay.feed(row);
  return replay.report();
}

/** What each rule would have done: `[blocked, held, redacted, terminated]`. */
export function doneBy(report: ReplayReport): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    report.rules.map((rule) => [rule.ruleId, [rule.blocked, rule.held, rule.redacted, rule.terminated]]),
  );
}
