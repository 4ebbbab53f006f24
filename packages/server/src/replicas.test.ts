import { createHash } from "node:crypto";
import {
  type Approval,
  approvalAnswerBodySchema,
  checkAnswerSchema,
  type LinkMessage,
  linkMessageSchema,
  type Policy,
  registerAgentAnswerSchema,
} from "@handlebar/protocol";
import { uuidv7 } from "uuidv7";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openTestPostgresStore, type TestPostgresStore } from "./storage/postgres-store.test-support.ts";
import { startTestServer, type TestServer } from "./test-server.test-support.ts";

const BLOCK_SEND: Policy = {
  id: "no-send",
  name: "no send",
  rules: [{ id: "no-send/r", name: "r", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } }],
};
const TWO_CALLS: Policy = {
  id: "two",
  name: "two",
  rules: [
    {
      id: "two/r",
      name: "r",
      on: "tool.before",
      tool: { name: "search" },
      when: { kind: "maxCalls", max: 2, scope: "run" },
      effect: { type: "block" },
    },
  ],
};

let database: TestPostgresStore;
let first: TestServer;
let second: TestServer;

beforeEach(async () => {
  database = await openTestPostgresStore();
  first = await startTestServer({ store: database.store });
  second = await startTestServer({ store: await database.replica() });
});
afterEach(async () => {
  await Promise.all([first.stop(), second.stop()]);
  await database.close();
});

async function register(server: TestServer, slug = "support"): Promise<string> {
  const answer = await server.call("PUT", "/v1/agents", { key: first.keys.agent, body: { slug } });
  return registerAgentAnswerSchema.parse(answer.body).agentId;
}

const put = (server: TestServer, policy: Policy) =>
  server.call("PUT", `/v1/policies/${policy.id}`, { body: { policy } });

interface Listening {
  readonly messages: readonly LinkMessage[];
  close(): void;
}

/** Collects what a process's stream of the agent brings, heartbeats left out. */
async function listen(server: TestServer, agentId: string): Promise<Listening> {
  const abort = new AbortController();
  const response = await server.open("GET", `/v1/agents/${agentId}/stream`, {
    key: first.keys.agent,
    signal: abort.signal,
  });
  expect(response.status).toBe(200);
  const messages: LinkMessage[] = [];
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = `${text}${chunk}`.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const message = linkMessageSchema.parse(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ""));
        if (message.kind !== "heartbeat") messages.push(message);
      }
    }
  };
  read().catch(() => undefined);
  await vi.waitFor(() => expect(messages).toHaveLength(1), 20_000);
  return { messages, close: () => abort.abort() };
}

const policyIdsOf = (message: LinkMessage | undefined): readonly unknown[] | undefined =>
  message?.kind === "state" ? message.state.policies.map(({ id }) => id) : undefined;

async function check(server: TestServer, tool: string, runId: string) {
  const body = { agentId: "support", facts: { phase: "tool.before", runId, tool: { name: tool }, args: {} } };
  const answer = await server.call("POST", "/v1/agents/check", { key: first.keys.agent, body });
  return checkAnswerSchema.parse(answer.body).decisions[0]?.verdict;
}

describe("two processes on one PostgreSQL", () => {
  it("bring a change to the streams of both, at once", async () => {
    const agentId = await register(first);
    const streams = [await listen(first, agentId), await listen(second, agentId)];
    await put(second, BLOCK_SEND);
    await vi.waitFor(() => {
      expect(streams.map(({ messages }) => policyIdsOf(messages.at(-1)))).toEqual([["no-send"], ["no-send"]]);
    }, 20_000);
    await first.call("POST", "/v1/lockdowns", { body: { lockdownId: "stop", scope: { kind: "workspace" } } });
    await vi.waitFor(() => {
      const expected = { kind: "lockdowns", lockdowns: [{ lockdownId: "stop", scope: { kind: "workspace" } }] };
      expect(streams.map(({ messages }) => messages.at(-1))).toMatchObject([expected, expected]);
    }, 20_000);
    expect([await check(first, "search", "r1"), await check(second, "search", "r1")]).toEqual(["BLOCK", "BLOCK"]);
    for (const { close } of streams) close();
  });

  it("bring it also where nothing tells of it, by looking", async () => {
    const deaf = await startTestServer({
      store: await database.replica({ directUrl: "postgres://nobody@127.0.0.1:1/none" }),
    });
    const stream = await listen(deaf, await register(first));
    await put(first, BLOCK_SEND);
    await vi.waitFor(() => expect(policyIdsOf(stream.messages.at(-1))).toEqual(["no-send"]), 20_000);
    stream.close();
    await deaf.stop();
  });

  it("bring it after every connection to the database was lost, on streams that stayed open", async () => {
    const agentId = await register(first);
    const streams = [await listen(first, agentId), await listen(second, agentId)];
    for (let round = 0; round < 3; round++) {
      await database.database.disconnectAll();
      const id = `round-${round}`;
      const written = await vi.waitFor(async () => {
        const answer = await put(first, { ...BLOCK_SEND, id });
        expect(answer.status).toBe(200);
        return answer;
      }, 20_000);
      expect(written.status).toBe(200);
      await vi.waitFor(() => {
        for (const { messages } of streams) expect(policyIdsOf(messages.at(-1))).toContain(id);
      }, 20_000);
    }
    for (const { close } of streams) close();
  });

  it("remember a run together", async () => {
    await register(first);
    await put(first, TWO_CALLS);
    await second.services.feed.refresh(second.workspaceId);
    const verdicts = [
      await check(first, "search", "shared"),
      await check(second, "search", "shared"),
      await check(first, "search", "shared"),
      await check(second, "search", "shared"),
    ];
    expect(verdicts).toEqual(["ALLOW", "ALLOW", "BLOCK", "BLOCK"]);
    expect(await check(second, "search", "other")).toBe("ALLOW");
  });

  it("let a person answer at one what is waited for at the other", async () => {
    await register(first);
    const approvalId = uuidv7();
    const body = {
      approvalId,
      fingerprint: createHash("sha256").update("call").digest("hex"),
      agent: "support",
      runId: "r1",
      callId: "c1",
      tool: "refund",
      ruleId: "r",
      policyId: "p",
    };
    const claim = (server: TestServer) => server.call("POST", "/v1/approvals", { key: first.keys.agent, body });
    expect((await claim(first)).body).toMatchObject({ approval: { status: "pending" } });
    const waiting = first.call("GET", `/v1/approvals/${approvalId}?wait=20`, { key: first.keys.agent });
    const resolved = await second.call("POST", `/v1/approvals/${approvalId}/resolve`, {
      body: { status: "approved", by: "ann" },
    });
    expect(resolved.status).toBe(200);
    const approval: Approval = approvalAnswerBodySchema.parse((await waiting).body).approval;
    expect([approval.status, approval.by]).toEqual(["approved", "ann"]);
  });

  it("refuse a key that the other one revoked", async () => {
    const key = await first.keyFor(["read"]);
    const keyId = key.split("_")[1];
    expect((await second.call("GET", "/v1/policies", { key })).status).toBe(200);
    expect((await first.call("DELETE", `/v1/keys/${keyId}`)).status).toBeLessThan(300);
    await vi.waitFor(async () => expect((await second.call("GET", "/v1/policies", { key })).status).toBe(401), 20_000);
  });

  it("store an event once, whichever takes it, and show it at both", async () => {
    const agentId = await register(first);
    expect(agentId).not.toBe("");
    const event = {
      schema: "handlebar.audit.v1",
      eventId: uuidv7(),
      seq: 0,
      ts: new Date().toISOString(),
      agentId: "support",
      runId: "r1",
      kind: "run.ended",
      data: { status: "success", steps: 0 },
    };
    const send = (server: TestServer) =>
      server.call("POST", "/v1/runs/events", {
        key: first.keys.agent,
        body: { agentId: "support", events: [event] },
      });
    const answers = await Promise.all([send(first), send(second), send(first), send(second)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.map(({ body }) => (body as { accepted: number }).accepted).toSorted()).toEqual([0, 0, 0, 1]);
    const runs = await Promise.all([first, second].map((server) => server.call("GET", "/v1/runs/r1")));
    for (const { body } of runs) expect(body).toMatchObject({ run: { eventCount: 1, status: "success" } });
  });

  it("go on with one of them gone", async () => {
    const agentId = await register(first);
    await second.stop();
    await put(first, BLOCK_SEND);
    const stream = await listen(first, agentId);
    expect(policyIdsOf(stream.messages[0])).toEqual(["no-send"]);
    expect(await check(first, "send", "r1")).toBe("BLOCK");
    stream.close();
  });
});
