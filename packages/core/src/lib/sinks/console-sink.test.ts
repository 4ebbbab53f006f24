import type { AuditEvent, EventData, EventKind } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { consoleSink } from "./console-sink.ts";

function event<K extends EventKind>(kind: K, data: EventData<K>): AuditEvent {
  const envelope = {
    schema: "handlebar.audit.v1",
    eventId: "01890a5d-ac96-774b-bcce-b302099a8057",
    seq: 3,
    ts: "2026-01-02T03:04:05.678Z",
    agentId: "support",
    runId: "run-0123456789",
  };
  // `kind` and `data` belong together by this function's own signature.
  return { ...envelope, kind, data } as unknown as AuditEvent;
}

const decision = {
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  evaluatedRules: [],
  message: "",
} as const;
const blocked = {
  ...decision,
  verdict: "BLOCK",
  control: "TERMINATE",
  cause: { kind: "RULE_VIOLATION", ruleId: "no-refunds", policyId: "refunds" },
  finalRuleId: "no-refunds",
  message: "refunds above 500 are not allowed",
} as const;

function lines(events: readonly AuditEvent[], options: Parameters<typeof consoleSink>[0] = {}): readonly string[] {
  const written: string[] = [];
  const sink = consoleSink({ write: (line) => written.push(line), ...options });
  for (const each of events) void sink.write(each);
  return written;
}

const allowed = event("tool.decision", { ...decision, callId: "c", tool: { name: "search" } } as never);
const denied = event("tool.decision", { ...blocked, callId: "c", tool: { name: "refund" } } as never);

describe("consoleSink", () => {
  it("writes a readable line for each event", () => {
    const events = [
      allowed,
      denied,
      event("tool.result", {
        callId: "c",
        tool: { name: "search" },
        outcome: "error",
        error: { message: "timed out" },
      }),
      event("message.raw.created", { messageId: "m", role: "user", content: [{ type: "text", text: "hello" }] }),
      event("events.dropped", { counts: [{ reason: "queue_full", kind: "tool.result", count: 4 }], ranges: [] }),
      event("run.ended", { status: "success", steps: 2 }),
    ];
    const head = "03:04:05.678 support 23456789 #3";
    expect(lines(events)).toEqual([
      `${head} ALLOW search`,
      `${head} BLOCK, TERMINATE refund RULE_VIOLATION no-refunds: refunds above 500 are not allowed`,
      `${head} failed search: timed out`,
      `${head} message user: hello`,
      `${head} 4 events dropped`,
      `${head} run ended: success`,
    ]);
  });

  it("colours where asked", () => {
    expect(lines([allowed], { colour: true })).toEqual([
      "\u001b[90m03:04:05.678 support 23456789 #3\u001b[0m \u001b[32mALLOW\u001b[0m search",
    ]);
  });

  it("writes JSON where asked", () => {
    expect(lines([denied], { format: "json" })).toEqual([JSON.stringify(denied)]);
  });

  it("writes only the kinds asked for", () => {
    expect(
      lines([allowed, event("run.ended", { status: "success", steps: 2 })], { kinds: ["run.ended"] }),
    ).toHaveLength(1);
  });

  it("does not let a text from outside rewrite the terminal", () => {
    const content = "\u001b[2Jgone\r\u202eevil\nnext\u009b";
    const [line] = lines([event("message.raw.created", { messageId: "m", role: "tool", content })]);
    expect(line).toBe("03:04:05.678 support 23456789 #3 message tool:  [2Jgone evil next ");
  });

  it("falls back to JSON for an event that it does not understand", () => {
    const strange = event("tool.result", { nothing: true } as never);
    expect(lines([strange])).toEqual([JSON.stringify(strange)]);
  });

  it("never throws", () => {
    const sink = consoleSink({
      write: () => {
        throw new Error("EPIPE");
      },
    });
    expect(() => sink.write(allowed)).not.toThrow();
  });
});
