import { agentAnswerSchema, agentListSchema, toolListSchema, toolVersionsSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

async function register(body: unknown): Promise<string> {
  const answer = await server.call("PUT", "/v1/agents", { key: server.keys.agent, body });
  expect(answer.status).toBe(200);
  return String((answer.body as { readonly agentId: string }).agentId);
}

async function tools(agent: string) {
  return toolListSchema.parse((await server.call("GET", `/v1/agents/${agent}/tools`)).body).tools;
}

describe("agents", () => {
  it("are listed by page, and found by id and by slug", async () => {
    const ids = new Map<string, string>();
    for (const slug of ["c", "a", "b"]) ids.set(slug, await register({ slug, name: `agent ${slug}`, tags: ["x"] }));
    const first = agentListSchema.parse((await server.call("GET", "/v1/agents?limit=2")).body);
    expect(first.agents.map(({ slug }) => slug)).toEqual(["a", "b"]);
    const cursor = encodeURIComponent(first.nextCursor ?? "");
    const second = agentListSchema.parse((await server.call("GET", `/v1/agents?limit=2&cursor=${cursor}`)).body);
    expect([second.agents.map(({ slug }) => slug), second.nextCursor]).toEqual([["c"], undefined]);
    for (const ref of ["a", ids.get("a") ?? ""]) {
      const { agent } = agentAnswerSchema.parse((await server.call("GET", `/v1/agents/${ref}`)).body);
      expect(agent).toMatchObject({ agentId: ids.get("a"), slug: "a", name: "agent a", tags: ["x"] });
    }
  });

  it("are written once where many clients of one register at once, and again once something changed", async () => {
    const body = { slug: "support", tools: [{ name: "send", tags: ["a"] }] };
    const ids = await Promise.all(Array.from({ length: 50 }, () => register(body)));
    expect(new Set(ids).size).toBe(1);
    await register({ slug: "support", tools: [{ name: "send", tags: ["b"] }] });
    await register(body);
    expect((await tools("support")).map(({ tool, version }) => [tool.tags, version])).toEqual([[["a"], 3]]);
    const renamed = await server.call("PUT", "/v1/agents", { body: { ...body, name: "Support" } });
    expect(renamed.status).toBe(200);
    const name = async () => agentAnswerSchema.parse((await server.call("GET", "/v1/agents/support")).body).agent.name;
    expect(await name()).toBe("Support");
    await register({ ...body, name: "Other" });
    await register({ ...body, name: "Support" });
    expect(await name()).toBe("Support");
  });

  it("show what their clients applied, and what they refused", async () => {
    const agentId = await register({ slug: "support" });
    const refused = { code: "HB_POLICY_INVALID", message: "no" };
    const acks = [
      { clientId: "c1", revision: 1, lockdownIds: [] },
      { clientId: "c2", revision: 0, lockdownIds: [], refused },
      { clientId: "c1", revision: 2, lockdownIds: ["l"] },
    ];
    for (const body of acks) {
      const answer = await server.call("POST", `/v1/agents/${agentId}/ack`, { key: server.keys.agent, body });
      expect([answer.status, answer.body]).toEqual([200, {}]);
    }
    const { clients } = agentAnswerSchema.parse((await server.call("GET", "/v1/agents/support")).body);
    const said = clients.map(({ ackedAt: _, seenAt: _seen, agentId: _id, ...rest }) => rest);
    const more = { enforceMode: "enforce" };
    expect(said.sort((a, b) => (a.clientId < b.clientId ? -1 : 1))).toEqual([
      { clientId: "c1", revision: 2, lockdownRevision: 2, lockdownIds: ["l"], ...more },
      { clientId: "c2", revision: 0, lockdownRevision: 0, lockdownIds: [], refused, ...more },
    ]);
  });

  it("take many acknowledgements at once", async () => {
    const agentId = await register({ slug: "support" });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => {
        const body = { clientId: `c${at}`, revision: at, lockdownIds: [] };
        return server.call("POST", `/v1/agents/${agentId}/ack`, { key: server.keys.agent, body });
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const clients = await server.store.agents.clients(server.workspaceId, agentId);
    expect(clients.map(({ clientId, revision }) => clientId === `c${revision}`)).toEqual(Array(200).fill(true));
  });

  it.each([
    [{}, "slug"],
    [{ slug: 1 }, "slug"],
    [{ slug: "a", slugs: "b" }, "slugs"],
    [{ slug: "a", tools: [{ name: "x", tags: "read" }] }, "tools[0].tags"],
    [[], "body"],
  ])("are refused when they are not of the form: %j", async (body, field) => {
    const answer = await server.call("PUT", "/v1/agents", { body });
    expect([answer.status, answer.body]).toMatchObject([400, { code: "HB_REQUEST_INVALID", field }]);
  });
});

describe("tools", () => {
  it("have a version for every definition, and stay where a registration names none", async () => {
    await register({ slug: "support", tools: [{ name: "send", tags: ["external"] }, { name: "read" }] });
    const body = { tools: [{ name: "send", tags: ["external", "pii"] }, { name: "new" }] };
    const put = await server.call("PUT", "/v1/agents/support/tools", { key: server.keys.agent, body });
    expect([put.status, put.body]).toEqual([200, {}]);
    await register({ slug: "support", tools: [] });
    expect((await tools("support")).map(({ tool, version }) => [tool.name, version])).toEqual([
      ["new", 1],
      ["read", 1],
      ["send", 2],
    ]);
    const path = `/v1/agents/support/tools/${encodeURIComponent("send")}/versions`;
    const { versions } = toolVersionsSchema.parse((await server.call("GET", path)).body);
    expect(versions.map(({ version, tool }) => [version, tool.tags])).toEqual([
      [2, ["external", "pii"]],
      [1, ["external"]],
    ]);
    expect((await server.call("GET", "/v1/agents/support/tools/none/versions")).status).toBe(404);
  });

  it("are what decisions see at once, whoever changed them", async () => {
    await register({ slug: "support", tools: [{ name: "send", tags: ["a"] }] });
    const { agents } = server.services;
    const agent = await agents.require(server.workspaceId, "support");
    expect((await agents.toolsOf(server.workspaceId, agent)).map(({ tags }) => tags)).toEqual([["a"]]);
    await server.call("PUT", "/v1/agents/support/tools", { body: { tools: [{ name: "send", tags: ["b"] }] } });
    await server.services.feed.refresh(server.workspaceId);
    expect((await agents.toolsOf(server.workspaceId, agent)).map(({ tags }) => tags)).toEqual([["b"]]);
  });

  it("of a client of the first protocol are taken as they are meant", async () => {
    await register({ slug: "support" });
    const older = { key: "send", name: "Send a mail", version: 3, kind: "function", metadata: null };
    const put = await server.call("PUT", "/v1/agents/support/tools", { body: { tools: [older] } });
    expect(put.status).toBe(200);
    expect((await tools("support")).map(({ tool }) => tool)).toEqual([
      { name: "Send a mail", kind: "function", version: "3" },
    ]);
  });
});
