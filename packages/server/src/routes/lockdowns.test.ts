import { lockdownAnswerSchema, lockdownListSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

async function create(body: unknown) {
  const answer = await server.call("POST", "/v1/lockdowns", { body });
  expect([answer.status, answer.status === 201 ? "" : answer.body]).toEqual([201, ""]);
  return lockdownAnswerSchema.parse(answer.body);
}

async function read(lockdownId: string) {
  return lockdownAnswerSchema.parse((await server.call("GET", `/v1/lockdowns/${lockdownId}`)).body);
}

async function register(slug: string): Promise<string> {
  const answer = await server.call("PUT", "/v1/agents", { body: { slug } });
  return String((answer.body as { readonly agentId: string }).agentId);
}

function ack(agentId: string, clientId: string, lockdownIds: readonly string[]) {
  const body = { clientId, revision: 1, lockdownIds };
  return server.call("POST", `/v1/agents/${agentId}/ack`, { key: server.keys.agent, body });
}

describe("a lockdown", () => {
  it("shows which clients obey it and which do not yet", async () => {
    const support = await register("support");
    const billing = await register("billing");
    await ack(support, "c1", []);
    await ack(support, "c2", []);
    await ack(billing, "c3", []);
    const created = await create({ scope: { kind: "agent", slug: "support" }, reason: "too many refunds" });
    const { lockdownId } = created.lockdown;
    expect(created).toMatchObject({ inForce: true, clientCount: 2, acknowledgedCount: 0 });
    expect((await ack(support, "c1", [lockdownId])).status).toBe(200);
    const half = await read(lockdownId);
    expect([half.clientCount, half.acknowledgedCount]).toEqual([2, 1]);
    expect(half.stragglers.map(({ clientId, agent }) => [clientId, agent])).toEqual([["c2", "support"]]);
    await ack(support, "c2", [lockdownId]);
    expect((await read(lockdownId)).stragglers).toEqual([]);
    const everything = await create({ scope: { kind: "workspace" } });
    expect([everything.clientCount, everything.acknowledgedCount]).toEqual([3, 0]);
  });

  it("is one, sent twice with its id, and its id is no other's", async () => {
    const body = { lockdownId: "stop-1", scope: { kind: "tool", name: "send" } };
    const first = await create(body);
    expect(await create(body)).toEqual(first);
    const other = await server.call("POST", "/v1/lockdowns", { body: { ...body, scope: { kind: "workspace" } } });
    expect([other.status, other.body]).toMatchObject([409, { code: "HB_CONFLICT", field: "lockdownId" }]);
    const lists = lockdownListSchema.parse((await server.call("GET", "/v1/lockdowns")).body);
    expect(lists.lockdowns.map(({ lockdown }) => lockdown.lockdownId)).toEqual(["stop-1"]);
  });

  it("is lifted, and stays listed among those that are over", async () => {
    await create({ lockdownId: "stop-1", scope: { kind: "workspace" } });
    const lifted = await server.call("DELETE", "/v1/lockdowns/stop-1");
    expect([lifted.status, lifted.body]).toMatchObject([200, { inForce: false, stragglers: [] }]);
    expect((await server.call("DELETE", "/v1/lockdowns/stop-1")).body).toMatchObject({ inForce: false });
    const read = async (query: string) =>
      lockdownListSchema.parse((await server.call("GET", `/v1/lockdowns${query}`)).body).lockdowns.length;
    expect([await read(""), await read("?all=true")]).toEqual([0, 1]);
  });

  it("ends when its time is over", async () => {
    const until = new Date(server.runtime.nowMs() + 60).toISOString();
    const { revision } = await create({ lockdownId: "short", scope: { kind: "workspace" }, until });
    await expect.poll(async () => (await read("short")).inForce).toBe(false);
    await server.services.lockdowns.liftExpired();
    expect(await read("short")).toMatchObject({ inForce: false, liftedBy: "until" });
    expect((await server.store.changes.mark(server.workspaceId)).revision).toBe(revision + 1);
  });

  it.each([
    [{ scope: { kind: "workspace" }, until: "2001-01-01T00:00:00Z" }, "until"],
    [{ scope: { kind: "agent", slug: "not a slug" } }, "scope.slug"],
    [{ scope: { kind: "planet" } }, "scope.kind"],
    [{}, "scope"],
  ])("is refused where it can stop nothing: %j", async (body, field) => {
    const answer = await server.call("POST", "/v1/lockdowns", { body });
    expect([answer.status, answer.body]).toMatchObject([400, { code: "HB_REQUEST_INVALID", field }]);
  });

  it("needs the scope for it", async () => {
    const body = { scope: { kind: "workspace" } };
    const answer = await server.call("POST", "/v1/lockdowns", { body, key: server.keys.agent });
    expect([answer.status, answer.body]).toMatchObject([403, { code: "HB_KEY_SCOPE" }]);
    expect((await server.call("GET", "/v1/lockdowns/none")).status).toBe(404);
  });
});
