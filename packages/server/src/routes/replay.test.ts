import { createReplay, parsePolicies } from "@handlebar/policies";
import { type AuditEvent, type Policy, type ReplayMessage, replayMessageSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { recordedEvents } from "../recorded-events.fixture.ts";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.now() - 2 * HOUR_MS;
const SINCE = new Date(START_MS).toISOString();
const [NO_SEND = expect.fail(), AT_MOST_THREE = expect.fail()] = [
  `name: no send
rules:
  - { name: never, on: tool.before, tool: { name: send }, effect: { type: block } }
`,
  `name: at most three
rules:
  - { name: often, on: tool.before, when: { kind: maxCalls, scope: agent, max: 3, windowSeconds: 3600 }, effect: { type: hitl } }
`,
].flatMap((text) => parsePolicies(text));

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(() => server.stop());

async function ingest(events: readonly AuditEvent[], key: string = server.keys.agent): Promise<void> {
  for (let at = 0; at < events.length; at += 500) {
    const body = { agentId: "support", events: events.slice(at, at + 500) };
    expect((await server.call("POST", "/v1/runs/events", { key, body })).status).toBe(200);
  }
}

/** The report of a replay; `since` is the start of the record. */
async function replay(body: object): Promise<unknown> {
  const answer = await server.call("POST", "/v1/policies/replay", { body: { since: SINCE, ...body } });
  expect(answer.status).toBe(200);
  return answer.body;
}

function locally(policies: readonly Policy[], events: readonly AuditEvent[]): unknown {
  const local = createReplay(policies);
  for (const event of events) local.feed(event);
  return local.report();
}

/** All messages of a stream. */
async function messagesOf(response: Response): Promise<readonly ReplayMessage[]> {
  const frames = (await response.text()).split("\n\n").filter((frame) => frame !== "");
  return frames.map((frame) => {
    const message = replayMessageSchema.parse(JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? ""));
    expect(frame).toContain(`event: ${message.kind}\n`);
    return message;
  });
}

describe("POST /v1/policies/replay", () => {
  it("finds what a replay of the same events finds anywhere", async () => {
    const events = recordedEvents({ runCount: 7, startMs: START_MS });
    await ingest(events);
    const policies = [NO_SEND, AT_MOST_THREE];
    expect(await replay({ policies, leadInSeconds: 0 })).toEqual({
      since: SINCE,
      until: expect.any(String),
      leadInEvents: 0,
      report: locally(policies, events),
    });
  });

  it("puts candidates in the place of the policies with their ids, together with the others unless asked for alone", async () => {
    await ingest(recordedEvents({ runCount: 2, startMs: START_MS }));
    await server.call("PUT", "/v1/policies", {
      body: {
        policies: [
          { ...NO_SEND, enabled: false },
          { ...AT_MOST_THREE, mode: "shadow" },
        ],
      },
    });
    const policiesOf = async (body: object): Promise<unknown> => {
      const answer = await replay(body);
      return Object(answer).report.policies.map((policy: { policyId: string; mode: string; blocked: number }) => [
        policy.policyId,
        policy.mode,
        policy.blocked,
      ]);
    };
    expect(await policiesOf({ policies: [NO_SEND] })).toEqual([
      ["no-send", "enforce", 2],
      ["at-most-three", "shadow", 0],
    ]);
    expect(await policiesOf({ policies: [NO_SEND], alone: true })).toEqual([["no-send", "enforce", 2]]);
    expect(await policiesOf({ policies: [] })).toEqual([
      ["at-most-three", "shadow", 0],
      ["no-send", "enforce", 0],
    ]);
  });

  it("remembers what came before the range, as far as windows reach, and counts none of it", async () => {
    const events = recordedEvents({ runCount: 4, startMs: START_MS });
    await ingest(events);
    const since = new Date(START_MS + 2 * 60_000).toISOString();
    const heldIn = async (more: object): Promise<unknown> => {
      const answer = Object(await replay({ policies: [AT_MOST_THREE], since, ...more }));
      return [answer.leadInEvents, answer.report.runs, answer.report.calls, answer.report.answers.held];
    };
    const half = events.length / 2;
    expect(await heldIn({})).toEqual([half, 2, 4, 4]);
    expect(await heldIn({ leadInSeconds: 0 })).toEqual([0, 2, 4, 1]);
  });

  it("is about an agent, an actor or a session alone where asked, and never about another workspace", async () => {
    const events = recordedEvents({ runCount: 4, startMs: START_MS });
    await ingest(events);
    await ingest(recordedEvents({ runCount: 3, startMs: START_MS }), await server.keyFor(["events:write"], "other"));
    const callsOf = async (more: object): Promise<unknown> =>
      Object(await replay({ policies: [NO_SEND], ...more })).report.calls;
    expect(await callsOf({})).toBe(8);
    expect(await callsOf({ agent: "support" })).toBe(8);
    expect(await callsOf({ agent: "billing" })).toBe(0);
    expect(await callsOf({ actor: "u1" })).toBe(4);
    expect(await callsOf({ session: "s3" })).toBe(2);
  });

  it("streams how far it is, and then the report", async () => {
    const events = recordedEvents({ runCount: 700, startMs: START_MS, stepMs: 100 });
    await ingest(events);
    const response = await server.open("POST", "/v1/policies/replay", {
      body: { policies: [NO_SEND], since: SINCE, until: new Date(START_MS + HOUR_MS).toISOString() },
      headers: { accept: "text/event-stream" },
    });
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const messages = await messagesOf(response);
    const shares = messages.map((message) => (message.kind === "progress" ? message.share : 1));
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(messages[0]).toEqual({ kind: "progress", events: 0, share: 0 });
    expect(messages.at(-2)).toEqual({
      kind: "progress",
      events: events.length,
      through: events.at(-1)?.ts,
      share: 1,
    });
    expect(messages.at(-1)).toMatchObject({ kind: "report", report: locally([NO_SEND], events) });
  });

  it("ends when its client goes", async () => {
    const store = server.store.events;
    const scan = vi.spyOn(store, "scan").mockImplementation(() => new Promise(() => undefined));
    const abort = new AbortController();
    const response = await server.open("POST", "/v1/policies/replay", {
      body: { policies: [NO_SEND], since: SINCE },
      headers: { accept: "text/event-stream" },
      signal: abort.signal,
    });
    await vi.waitFor(() => expect(server.services.replays.runningCount).toBe(1));
    abort.abort();
    await expect(response.text()).rejects.toThrow();
    await vi.waitFor(() => expect(server.services.replays.runningCount).toBe(0));
    scan.mockRestore();
  });

  it.each([
    [{ policies: [], since: "yesterday" }, "HB_REQUEST_INVALID", "since"],
    [{ policies: [], since: SINCE, until: SINCE }, "HB_REQUEST_INVALID", "since"],
    [{ policies: [], since: SINCE, leadInSeconds: -1 }, "HB_REQUEST_INVALID", "leadInSeconds"],
    [
      {
        policies: [
          NO_SEND,
          {
            name: "bad",
            rules: [
              {
                name: "r",
                on: "tool.before",
                when: { kind: "expr", lang: "cel", src: "1 +" },
                effect: { type: "block" },
              },
            ],
          },
        ],
        since: SINCE,
      },
      expect.stringMatching(/^HB_POLICY_/),
      expect.stringMatching(/^policies\[1\]/),
    ],
  ])("refuses what cannot be replayed: %j", async (body, code, field) => {
    const answer = await server.call("POST", "/v1/policies/replay", { body });
    expect([answer.status, answer.body]).toMatchObject([400, { code, field }]);
  });
});
