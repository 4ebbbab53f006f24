import {
  agentStateSchema,
  type LinkMessage,
  linkMessageSchema,
  type Policy,
  registerAgentAnswerSchema,
} from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

const BLOCK_SEND: Policy = {
  id: "no-send",
  name: "no send",
  agents: { anyOfSlugs: ["support"] },
  rules: [{ id: "r", name: "r", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } }],
};

let server: TestServer;
afterEach(() => server.stop());

async function register(slug: string, more: object = {}) {
  const answer = await server.call("PUT", "/v1/agents", { key: server.keys.agent, body: { slug, ...more } });
  expect(answer.status).toBe(200);
  return registerAgentAnswerSchema.parse(answer.body);
}

function put(policy: Policy, id = policy.id ?? "") {
  return server.call("PUT", `/v1/policies/${id}`, { body: { policy } });
}

/** Reads a stream; `next` gives its messages one by one, with the id of each. */
async function openStream(agentId: string, headers: Readonly<Record<string, string>> = {}) {
  const abort = new AbortController();
  const response = await server.open("GET", `/v1/agents/${agentId}/stream`, {
    key: server.keys.agent,
    headers,
    signal: abort.signal,
  });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async (): Promise<{ readonly id: string | undefined; readonly message: LinkMessage }> => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const message = linkMessageSchema.parse(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ""));
        expect(/^event: (.*)$/m.exec(block)?.[1]).toBe(message.kind);
        return { id: /^id: (.*)$/m.exec(block)?.[1], message };
      }
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) throw new Error("the stream ended");
      text += chunk.value;
    }
  };
  return { next, close: () => abort.abort() };
}

describe("the state of an agent", () => {
  it("[SPEC 11.4] is the same agent's for the same slug, with its policies alone", async () => {
    server = await startTestServer();
    await put(BLOCK_SEND);
    await put({ ...BLOCK_SEND, id: "other", agents: { anyOfSlugs: ["billing"] } });
    await put({ ...BLOCK_SEND, id: "off", enabled: false, mode: "shadow" });
    const first = await register("support");
    const second = await register("support");
    expect(second.agentId).toBe(first.agentId);
    expect(first.state.policies.map(({ id }) => id)).toEqual(["no-send", "off"]);
    expect(second.state).toEqual({ ...first.state, serverTimeMs: second.state.serverTimeMs });
  });

  it("[SPEC 11.5] is answered 304 to who has it, and held until there is another one", async () => {
    server = await startTestServer();
    const { agentId, state } = await register("support");
    const path = `/v1/agents/${agentId}/state`;
    const read = (query: string, etag: string) =>
      server.call("GET", `${path}${query}`, { key: server.keys.agent, headers: { "if-none-match": etag } });
    const etag = `"${state.revision}"`;
    expect((await server.call("GET", path, { key: server.keys.agent })).headers.get("etag")).toBe(etag);
    expect((await read("", etag)).status).toBe(304);
    // A client that has a newer revision than this process is not sent back.
    expect((await read("", '"999"')).status).toBe(304);
    const held = read("?wait=20", etag);
    await put(BLOCK_SEND);
    const answer = await held;
    expect([answer.status, answer.headers.get("etag")]).toEqual([200, `"${state.revision + 1}"`]);
    expect(agentStateSchema.parse(answer.body).policies.map(({ id }) => id)).toEqual(["no-send"]);
  });

  it("follows the agent's tags", async () => {
    server = await startTestServer();
    await put({ ...BLOCK_SEND, agents: { allOfTags: ["careful"] } });
    const plain = await register("support");
    const tagged = await register("support", { tags: ["careful"] });
    expect(plain.state.policies).toEqual([]);
    expect(tagged.state.policies.map(({ id }) => id)).toEqual(["no-send"]);
    expect(tagged.state.revision).toBe(plain.state.revision + 1);
  });

  it("carries expressions ready to run, and ids of rules", async () => {
    server = await startTestServer();
    const when = { kind: "expr", lang: "cel", src: "args.amount > 500" } as const;
    await put(
      { name: "large", rules: [{ name: "too much", on: "tool.before", when, effect: { type: "block" } }] },
      "large",
    );
    const { state } = await register("support");
    expect(state.policies).toMatchObject([
      { id: "large", rules: [{ id: "large/too-much", when: { ...when, tree: { version: 1 } } }] },
    ]);
    const stored = await server.call("GET", "/v1/policies/large");
    expect(stored.body).toMatchObject({ policy: { policy: { rules: [{ name: "too much", when }] } } });
  });

  it("is not known for an agent of another workspace", async () => {
    server = await startTestServer();
    const { agentId } = await register("support");
    const key = await server.keyFor(["agents:write"], "elsewhere");
    const answer = await server.call("GET", `/v1/agents/${agentId}/state`, { key });
    expect([answer.status, answer.body]).toMatchObject([404, { code: "HB_NOT_FOUND", field: "agentId" }]);
  });
});

describe("the stream of an agent", () => {
  it("starts with the state, and brings every change at once", async () => {
    server = await startTestServer();
    const { agentId, state } = await register("support");
    const { next, close } = await openStream(agentId);
    const first = await next();
    expect([first.id, first.message.kind]).toEqual([String(state.revision), "state"]);
    await put(BLOCK_SEND);
    const second = await next();
    expect(second).toMatchObject({
      id: String(state.revision + 1),
      message: { kind: "state", state: { revision: state.revision + 1, policies: [{ id: "no-send" }], lockdowns: [] } },
    });
    const scope = { kind: "workspace" } as const;
    const created = await server.call("POST", "/v1/lockdowns", { body: { scope, lockdownId: "stop" } });
    expect(created.status).toBe(201);
    expect(await next()).toEqual({
      id: String(state.revision + 2),
      message: {
        kind: "lockdowns",
        revision: state.revision + 2,
        lockdowns: [{ lockdownId: "stop", scope }],
        serverTimeMs: expect.any(Number),
      },
    });
    await server.call("DELETE", "/v1/lockdowns/stop");
    expect((await next()).message).toMatchObject({ kind: "lockdowns", lockdowns: [] });
    close();
  });

  it("resumes: who has the newest revision gets a heartbeat, who is behind the whole state", async () => {
    server = await startTestServer();
    const { agentId, state } = await register("support");
    const current = await openStream(agentId, { "last-event-id": String(state.revision) });
    expect(await current.next()).toEqual({ id: undefined, message: { kind: "heartbeat" } });
    await put(BLOCK_SEND);
    expect((await current.next()).message.kind).toBe("state");
    const behind = await openStream(agentId, { "last-event-id": String(state.revision) });
    expect((await behind.next()).message).toMatchObject({ kind: "state", state: { revision: state.revision + 1 } });
    current.close();
    behind.close();
  });

  it("gives an agent other policies once its tags are others", async () => {
    server = await startTestServer();
    await put({ ...BLOCK_SEND, agents: { anyOfTags: ["careful"] } });
    const { agentId } = await register("support");
    const { next, close } = await openStream(agentId);
    expect((await next()).message).toMatchObject({ state: { policies: [] } });
    await register("support", { tags: ["careful"] });
    expect((await next()).message).toMatchObject({ state: { policies: [{ id: "no-send" }] } });
    close();
  });

  it("tells the agent's clients of an answered approval, and not of one that waits", async () => {
    server = await startTestServer();
    const { agentId } = await register("support");
    const { next, close } = await openStream(agentId);
    await next();
    const request = {
      approvalId: "a1",
      fingerprint: "0".repeat(64),
      agent: "support",
      runId: "run",
      callId: "call",
      tool: "refund",
      ruleId: "r",
      policyId: "p",
    };
    const claimed = await server.call("POST", "/v1/approvals", { key: server.keys.agent, body: request });
    expect(claimed.body).toMatchObject({ approval: { status: "pending" } });
    await server.call("POST", "/v1/approvals/a1/resolve", { body: { status: "approved", by: "ada" } });
    expect((await next()).message).toMatchObject({
      kind: "approval",
      approval: { approvalId: "a1", status: "approved", by: "ada" },
    });
    close();
  });

  it("tells of recalled leases", async () => {
    server = await startTestServer();
    const { agentId } = await register("support");
    const { next, close } = await openStream(agentId);
    await next();
    await server.store.changes.append(server.workspaceId, "leases", "lease-1");
    expect((await next()).message).toEqual({ kind: "lease.recall", leaseId: "lease-1" });
    close();
  });
});
