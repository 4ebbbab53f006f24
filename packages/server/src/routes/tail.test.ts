import { type StoredEvent, tailMessageSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventOf } from "../event.fixture.ts";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(() => server.stop());

/** Reads events of a tail until there are `count`. */
async function readTail(query: string, count: number, ingest: () => Promise<void>): Promise<readonly StoredEvent[]> {
  const abort = new AbortController();
  const response = await server.open("GET", `/v1/events/tail${query}`, { signal: abort.signal });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const reader = (response.body ?? expect.fail("no body")).pipeThrough(new TextDecoderStream()).getReader();
  const events: StoredEvent[] = [];
  let text = "";
  let isAsked = false;
  while (events.length < count) {
    const { value = "", done } = await reader.read();
    if (done) break;
    text += value;
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const message = tailMessageSchema.parse(JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? ""));
      expect(frame).toContain(`event: ${message.kind}\n`);
      if (message.kind === "event") events.push(message.event);
    }
    // The first frame says that the tail is open: what comes from now on is shown.
    if (!isAsked && frames.length > 0) {
      isAsked = true;
      await ingest();
    }
  }
  abort.abort();
  return events;
}

async function ingest(events: readonly unknown[]): Promise<void> {
  const answer = await server.call("POST", "/v1/runs/events", { body: { agentId: "support", events } });
  expect(answer.status).toBe(200);
}

describe("GET /v1/events/tail", () => {
  it("shows what is stored from now on, each event once", async () => {
    await ingest([eventOf("error", { runId: "before", seq: 1 })]);
    const events = [eventOf("run.started", { seq: 0 }), eventOf("tool.decision", { seq: 1 })];
    const last = eventOf("run.ended", { seq: 2 });
    const seen = await readTail("?run=run-1", 3, async () => {
      await ingest(events);
      await ingest([...events, last]);
    });
    // Of several processes each shows its own events first.
    expect([...seen].sort((a, b) => a.seq - b.seq)).toEqual([...events, last]);
  });

  it("shows what is asked for alone", async () => {
    const wanted = eventOf("tool.decision", { runId: "r", seq: 3 });
    const seen = await readTail("?kind=tool.decision,run.ended&verdict=BLOCK&tool=refund", 1, () =>
      ingest([
        eventOf("error", { runId: "r", seq: 0 }),
        eventOf("tool.result", { runId: "r", seq: 1 }),
        eventOf("tool.decision", { runId: "r", seq: 2, data: { verdict: "ALLOW" } }),
        wanted,
      ]),
    );
    expect(seen).toEqual([wanted]);
  });

  it("shows nothing of another workspace", async () => {
    const key = await server.keyFor(["events:write"], "other");
    const own = eventOf("error", { runId: "own" });
    const seen = await readTail("", 1, async () => {
      const body = { agentId: "support", events: [eventOf("error", { runId: "theirs" })] };
      await server.call("POST", "/v1/runs/events", { key, body });
      await ingest([own]);
    });
    expect(seen).toEqual([own]);
  });
});
