import { type AuditEvent, auditEventSchema } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { EVENT_BOUNDS } from "./event-bounds.ts";
import { serialiseEvent, shrinkEvent } from "./serialise-event.ts";
import { utf8SizeBytes } from "./utf8.ts";

const envelope = {
  schema: "handlebar.audit.v1",
  eventId: "01890a5d-ac96-774b-bcce-b302099a8057",
  seq: 3,
  ts: "2026-01-02T03:04:05.000Z",
  agentId: "support",
  runId: "run-1",
} as const;

/** A result event whose payload is whatever a careless tool returned. */
function resultEvent(result: unknown): AuditEvent {
  const data = { callId: "call-1", tool: { name: "search" }, outcome: "success", result };
  return { ...envelope, kind: "tool.result", data } as AuditEvent;
}

function parse(event: AuditEvent, sizeBytesMax?: number): unknown {
  const { text, sizeBytes } = serialiseEvent(event, sizeBytesMax);
  expect(sizeBytes).toBe(utf8SizeBytes(text));
  expect(text).not.toContain("\n");
  return auditEventSchema.parse(JSON.parse(text));
}

const circular: Record<string, unknown> = { name: "loop" };
circular["self"] = circular;

function nested(depth: number): unknown {
  let value: unknown = "end";
  for (let level = 0; level < depth; level++) value = { value };
  return value;
}

describe("serialiseEvent", () => {
  it("writes an ordinary event as JSON.stringify does, with what accounting needs", () => {
    const event = resultEvent({ rows: [1, 2, 3] });
    const text = JSON.stringify(event);
    expect(serialiseEvent({ ...event, sessionId: "s-1" })).toEqual({
      eventId: envelope.eventId,
      runId: "run-1",
      agentId: "support",
      sessionId: "s-1",
      seq: 3,
      kind: "tool.result",
      text: JSON.stringify({ ...event, sessionId: "s-1" }),
      sizeBytes: text.length + ',"sessionId":"s-1"'.length,
    });
  });

  it("writes BigInt as text and marks circles, and leaves the rest as it is", () => {
    const event = resultEvent({ id: 12345678901234567890n, circular, ok: true });
    expect(parse(event)).toEqual(
      resultEvent({ id: "12345678901234567890", circular: { name: "loop", self: "[Circular: 1]" }, ok: true }),
    );
  });

  it("bounds what is nested deeper than JSON.stringify can follow", () => {
    const parsed = JSON.stringify(parse(resultEvent(nested(50_000))));
    expect(parsed).toContain("[Object]");
    expect(parsed.length).toBeLessThan(1_000);
  });

  it("costs a throwing entry only itself, and says so", () => {
    const result = {
      good: 1,
      get bad(): never {
        throw new Error("secret");
      },
      worse: {
        toJSON() {
          throw new Error("secret");
        },
      },
    };
    const expected = resultEvent({ good: 1, bad: "[unserialisable]", worse: "[unserialisable]" });
    expect(parse(resultEvent(result))).toEqual({ ...expected, redaction: { omitted: ["result"] } });
  });

  it("keeps what was already said of redaction", () => {
    const bad = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    const redaction = { findings: { email: 2 }, omitted: ["args"] };
    expect(parse({ ...resultEvent(bad), redaction })).toEqual({
      ...resultEvent("[unserialisable]"),
      redaction: { findings: { email: 2 }, omitted: ["args", "result"] },
    });
  });

  it("drops what JSON has no word for, as JSON.stringify does", () => {
    const values = { nan: Number.NaN, none: undefined, run: () => 1, date: new Date(0), map: new Map([[1, 2]]) };
    expect(parse(resultEvent(values))).toEqual(resultEvent({ nan: null, date: "1970-01-01T00:00:00.000Z", map: {} }));
  });

  it("puts an error event in the place of one that cannot be read at all, with its id and number", () => {
    const event = resultEvent(1);
    Object.defineProperty(event, "data", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    const serialised = serialiseEvent(event);
    expect(serialised.kind).toBe("tool.result");
    expect(auditEventSchema.parse(JSON.parse(serialised.text))).toEqual({
      ...envelope,
      kind: "error",
      data: {
        code: "HB_EVENT_UNSERIALISABLE",
        scope: "event",
        message: "an event of kind `tool.result` has no JSON form within the bounds",
      },
    });
  });
});

describe("serialiseEvent of a large event", () => {
  it("cuts the large fields, keeps shape and the small ones, and says how large they were", () => {
    const event = resultEvent({ title: "report", body: "é".repeat(400_000), tags: ["a", "b"] });
    const { text, sizeBytes } = serialiseEvent(event);
    expect(sizeBytes).toBeLessThanOrEqual(EVENT_BOUNDS.eventSizeBytesMax);
    expect(sizeBytes).toBeGreaterThan(EVENT_BOUNDS.eventSizeBytesMax * 0.9);
    const parsed = auditEventSchema.parse(JSON.parse(text));
    expect(parsed).toMatchObject({
      data: { callId: "call-1", result: { title: "report", tags: ["a", "b"], body: expect.stringMatching(/^é+…$/) } },
      redaction: {
        truncated: { result: utf8SizeBytes(JSON.stringify(event.kind === "tool.result" && event.data.result)) },
      },
    });
  });

  it("fits lists, wide objects, control characters and deep values into small bounds", () => {
    const values = [
      Array.from({ length: 50_000 }, (_, index) => ({ index, text: "x".repeat(20) })),
      Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key-${index}`, index])),
      "\u0001".repeat(100_000),
      "😀".repeat(50_000),
      nested(200),
      Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => Math.PI)),
      { ["k".repeat(5_000)]: 1, other: "y".repeat(5_000) },
    ];
    for (const value of values) {
      for (const bound of [1_000, 4_096, 65_536]) {
        const serialised = serialiseEvent(resultEvent(value), bound);
        expect(serialised.sizeBytes).toBeLessThanOrEqual(bound);
        auditEventSchema.parse(JSON.parse(serialised.text));
      }
    }
  });
});

describe("shrinkEvent", () => {
  it("cuts an event again for a smaller bound and keeps the sizes first noted", () => {
    const first = serialiseEvent(resultEvent("z".repeat(300_000)));
    const second = shrinkEvent(first, 1_024);
    expect(second?.sizeBytes).toBeLessThanOrEqual(1_024);
    expect(second).toMatchObject({ eventId: envelope.eventId, kind: "tool.result", seq: 3 });
    expect(JSON.parse(second?.text ?? "{}")).toMatchObject({ redaction: { truncated: { result: 300_002 } } });
  });

  it("has nothing to do for an event within the bound", () => {
    expect(shrinkEvent(serialiseEvent(resultEvent(1)), 1_024)).toBe(undefined);
  });
});
