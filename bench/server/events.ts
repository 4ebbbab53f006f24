import { randomBytes } from "node:crypto";

/** An event as it is sent, and as the columns of the events table. */
export interface BenchEvent {
  readonly json: string;
  readonly columns: readonly (string | number | null)[];
}

/** The columns of the events table, in the order of `columns`. */
export const EVENT_COLUMNS =
  "workspace_id, event_id, run_id, seq, agent, session_id, actor_external_id, kind, ts_ms, tool, verdict, cause, rule_id, json";

const EVENTS_PER_RUN = 16;

/** Decisions of runs of 16 events, about 800 bytes each; no id comes twice. */
export function makeEvents(count: number, tag: string): readonly BenchEvent[] {
  return Array.from({ length: count }, (_, at) => makeEvent(at, tag));
}

function makeEvent(at: number, tag: string): BenchEvent {
  const nowMs = Date.now();
  const eventId = timedId(nowMs);
  const runId = `run-${tag}-${Math.floor(at / EVENTS_PER_RUN)}`;
  const seq = at % EVENTS_PER_RUN;
  const [sessionId, actor, ruleId] = ["session-1", `user-${at % 50}`, "refunds/limit"];
  const json = JSON.stringify({
    schema: "handlebar.audit.v1",
    eventId,
    seq,
    ts: new Date(nowMs).toISOString(),
    agentId: "support",
    runId,
    sessionId,
    actorExternalId: actor,
    kind: "tool.decision",
    data: {
      verdict: "ALLOW",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      message: "this call is allowed",
      evaluatedRules: [
        {
          ruleId,
          policyId: "refunds",
          enabled: true,
          matched: false,
          violated: false,
          mode: "enforce",
          effect: "block",
          outcome: "false",
        },
      ],
      finalRuleId: ruleId,
      callId: `call-${at}`,
      tool: { name: "refund", tags: ["money"] },
      args: { amount: at, note: 'a "quoted" text of some length, as arguments have them', items: [1, 2, 3] },
      decisionMs: 0.21,
    },
  });
  const columns = [
    "workspace",
    eventId,
    runId,
    seq,
    "support",
    sessionId,
    actor,
    "tool.decision",
    nowMs,
    "refund",
    "ALLOW",
    "ALLOW",
    ruleId,
    json,
  ];
  return { json, columns };
}

/** A UUIDv7. */
function timedId(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, "0");
  const random = randomBytes(10).toString("hex");
  const tail = `7${random.slice(0, 3)}-a${random.slice(3, 6)}-${random.slice(6, 18)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail}`;
}

export function batchesOf(events: readonly BenchEvent[], size: number): readonly (readonly BenchEvent[])[] {
  return Array.from({ length: Math.ceil(events.length / size) }, (_, at) => events.slice(at * size, (at + 1) * size));
}
