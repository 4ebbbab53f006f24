import {
  acksAnswerSchema,
  type EvaluatedRule,
  type Policy,
  policiesWrittenSchema,
  policyAnswerSchema,
  policyListSchema,
  policyVersionsSchema,
  problemSchema,
} from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventOf } from "../event.fixture.ts";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

function tried(tool: string, mode: "shadow" | "enforce" = "shadow"): Policy {
  const rule = { id: "r", name: "r", on: "tool.before", tool: { name: tool }, effect: { type: "block" } } as const;
  return { id: "p", name: "p", mode, rules: [rule] };
}

async function written(method: string, path: string, body?: unknown) {
  const answer = await server.call(method, path, { body });
  expect([answer.status, answer.status === 200 ? "" : answer.body]).toEqual([200, ""]);
  return policiesWrittenSchema.parse(answer.body);
}

async function refused(method: string, path: string, body?: unknown, key?: string) {
  const answer = await server.call(method, path, { body, key });
  const { code, field } = problemSchema.parse(answer.body);
  return [answer.status, code, field];
}

async function versions() {
  return policyVersionsSchema.parse((await server.call("GET", "/v1/policies/p/versions")).body).versions;
}

async function current() {
  return policyAnswerSchema.parse((await server.call("GET", "/v1/policies/p")).body).policy;
}

async function acks(path = "/v1/acks") {
  return acksAnswerSchema.parse((await server.call("GET", path)).body);
}

describe("promoting a policy", () => {
  it("enforces the version that was tried, and says in the history who did it, from which and why", async () => {
    await written("PUT", "/v1/policies", { policies: [tried("send")], comment: "first try" });
    const done = await written("POST", "/v1/policies/p/promote", { expectedVersion: 1, comment: "a quiet week" });
    expect(done.changes).toEqual([{ policyId: "p", change: "updated", version: 2 }]);
    expect((await current()).policy).toEqual(tried("send", "enforce"));
    expect(
      (await versions()).map(({ version, revision, origin, fromVersion, by, comment }) => ({
        version,
        revision,
        origin,
        fromVersion,
        by,
        comment,
      })),
    ).toEqual([
      { version: 2, revision: 2, origin: "promoted", fromVersion: 1, by: "admin", comment: "a quiet week" },
      { version: 1, revision: 1, origin: "saved", fromVersion: undefined, by: "admin", comment: "first try" },
    ]);
  });

  it("is refused where another version was tried, where nothing was, and where it is done already", async () => {
    await written("PUT", "/v1/policies/p", { policy: tried("send") });
    await written("PUT", "/v1/policies/p", { policy: tried("mail") });
    const conflict = [409, "HB_CONFLICT", "expectedVersion"];
    expect(await refused("POST", "/v1/policies/p/promote", { expectedVersion: 1 })).toEqual(conflict);
    expect(await refused("POST", "/v1/policies/p/promote", { expectedVersion: 3 })).toEqual(conflict);
    await written("PUT", "/v1/policies/p", { policy: { ...tried("mail"), enabled: false } });
    expect(await refused("POST", "/v1/policies/p/promote", {})).toEqual([409, "HB_CONFLICT", "policyId"]);
    await written("PUT", "/v1/policies/p", { policy: tried("mail") });
    await written("POST", "/v1/policies/p/promote", {});
    expect(await refused("POST", "/v1/policies/p/promote", {})).toEqual([409, "HB_CONFLICT", "policyId"]);
    expect(await refused("POST", "/v1/policies/q/promote", {})).toEqual([404, "HB_NOT_FOUND", "policyId"]);
    expect((await versions()).map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
  });

  it("takes what it says it takes", async () => {
    await written("PUT", "/v1/policies/p", { policy: tried("send") });
    const path = "/v1/policies/p/promote";
    expect(await refused("POST", path, { version: 1 })).toEqual([400, "HB_REQUEST_INVALID", "version"]);
    const wrong = [400, "HB_REQUEST_INVALID", "expectedVersion"];
    expect(await refused("POST", path, { expectedVersion: "1" })).toEqual(wrong);
    expect(await refused("POST", path, { comment: "" })).toEqual([400, "HB_REQUEST_INVALID", "comment"]);
    const reader = await server.keyFor(["read"]);
    expect((await refused("POST", path, {}, reader))?.slice(0, 2)).toEqual([403, "HB_KEY_SCOPE"]);
    expect((await versions()).length).toBe(1);
  });

  it("is done once by those who do it at once", async () => {
    await written("PUT", "/v1/policies/p", { policy: tried("send") });
    const answers = await Promise.all(
      [1, 2, 3].map(() => server.call("POST", "/v1/policies/p/promote", { body: { expectedVersion: 1 } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect((await versions()).map(({ origin }) => origin)).toEqual(["promoted", "saved"]);
  });
});

describe("going back", () => {
  it("takes the version before the newest where none is named, deletions aside", async () => {
    await written("PUT", "/v1/policies/p", { policy: tried("send") });
    expect(await refused("POST", "/v1/policies/p/rollback", {})).toEqual([404, "HB_NOT_FOUND", "version"]);
    await written("POST", "/v1/policies/p/promote", {});
    await written("POST", "/v1/policies/p/rollback", { comment: "too many held up" });
    expect((await current()).policy.mode).toBe("shadow");
    await written("DELETE", "/v1/policies/p?expectedVersion=3&comment=not%20needed");
    await written("POST", "/v1/policies/p/rollback", {});
    expect((await versions()).map(({ origin, fromVersion, comment }) => [origin, fromVersion, comment])).toEqual([
      ["rolled-back", 3, "back to version 3"],
      ["deleted", undefined, "not needed"],
      ["rolled-back", 1, "too many held up"],
      ["promoted", 1, undefined],
      ["saved", undefined, undefined],
    ]);
  });

  it("and deleting are refused to who has seen another version", async () => {
    await written("PUT", "/v1/policies/p", { policy: tried("send") });
    await written("PUT", "/v1/policies/p", { policy: tried("mail") });
    const conflict = [409, "HB_CONFLICT", "expectedVersion"];
    expect(await refused("POST", "/v1/policies/p/rollback", { expectedVersion: 1 })).toEqual(conflict);
    expect(await refused("DELETE", "/v1/policies/p?expectedVersion=1")).toEqual(conflict);
    const wrong = [400, "HB_REQUEST_INVALID", "expectedVersion"];
    expect(await refused("DELETE", "/v1/policies/p?expectedVersion=x")).toEqual(wrong);
    expect((await current()).version).toBe(2);
  });
});

const row = (given: Partial<EvaluatedRule>): EvaluatedRule => ({
  ruleId: "p/r",
  policyId: "p",
  enabled: true,
  matched: true,
  violated: true,
  mode: "shadow",
  effect: "block",
  outcome: "true",
  ...given,
});

function decision(revision: number | undefined, ...rows: readonly EvaluatedRule[]) {
  return eventOf("tool.decision", {
    data: { evaluatedRules: [...rows], ...(revision === undefined ? {} : { revision }) },
  });
}

describe("what a policy would have done in shadow", () => {
  it("is counted from decisions, once for each, and shown with the version", async () => {
    await written("PUT", "/v1/policies/p", { policy: tried("send") });
    const held = row({ effect: "hitl" });
    const idle = row({ matched: false, violated: false, outcome: "false" });
    const after = { ...eventOf("tool.result").data, revision: 1 };
    const { verdict, control, cause, message } = decision(1).data;
    const result = { verdict, control, cause, message, evaluatedRules: [row({ effect: "redact" })] };
    const events = [
      decision(1, row({}), held),
      decision(1, held, row({ effect: "redact" })),
      decision(1, idle, row({ effect: "allow", violated: false })),
      decision(1, row({ mode: "enforce" })),
      decision(1, row({ enabled: false, matched: false, violated: false })),
      decision(undefined, row({})),
      decision(1, row({ effect: "allow", outcome: "unavailable" })),
      eventOf("tool.result", { data: { ...after, decision: result } }),
      eventOf("llm.decision", { data: { evaluatedRules: [row({})], revision: 1 } }),
    ];
    const body = { agentId: "support", events };
    expect((await server.call("POST", "/v1/runs/events", { body })).status).toBe(200);
    const again = await server.call("POST", "/v1/runs/events", { body });
    expect(again.body).toMatchObject({ accepted: 0 });
    const expected = { decisionCount: 6, blockCount: 3, holdCount: 1, redactCount: 1 };
    expect((await versions())[0]?.shadow).toMatchObject(expected);
    expect((await current()).shadow).toMatchObject(expected);
    await written("PUT", "/v1/policies/p", { policy: tried("mail") });
    const { policies } = policyListSchema.parse((await server.call("GET", "/v1/policies")).body);
    expect(policies.map(({ version, shadow }) => [version, shadow])).toEqual([[2, undefined]]);
    expect((await versions()).map(({ shadow }) => shadow?.decisionCount)).toEqual([undefined, 6]);
  });
});

async function register(slug: string): Promise<void> {
  await server.call("PUT", "/v1/agents", { key: server.keys.agent, body: { slug } });
}

async function ack(slug: string, body: object): Promise<void> {
  const key = server.keys.agent;
  const answer = await server.call("POST", `/v1/agents/${slug}/ack`, { key, body: { lockdownIds: [], ...body } });
  expect(answer.status).toBe(200);
}

describe("who has the newest policies", () => {
  it("is told for each client, those first that refused them", async () => {
    for (const slug of ["support", "billing"]) await register(slug);
    const { revision } = await written("PUT", "/v1/policies/p", {
      policy: { ...tried("send"), agents: { anyOfSlugs: ["support"] } },
    });
    const refusal = { code: "HB_POLICY_EXPR_INVALID", message: "no such function" };
    await ack("support", { clientId: "new", revision });
    await ack("support", { clientId: "old", revision: revision - 1 });
    await ack("support", { clientId: "bad", revision: revision - 1, refused: refusal });
    await ack("billing", { clientId: "other", revision: revision - 1, enforceMode: "shadow" });
    const all = await acks();
    expect([all.revision, all.counts]).toEqual([revision, { current: 1, behind: 2, refused: 1, silent: 0 }]);
    expect(all.clients[0]).toEqual({
      clientId: "bad",
      agent: "support",
      standing: "refused",
      revision: revision - 1,
      refused: refusal,
      enforceMode: "enforce",
      ackedAt: expect.any(String),
      seenAt: expect.any(String),
    });
    expect(all.clients.map(({ clientId }) => clientId).slice(3)).toEqual(["new"]);
    const own = await acks("/v1/policies/p/acks");
    expect([own.revision, own.counts]).toEqual([revision, { current: 1, behind: 1, refused: 1, silent: 0 }]);
    await ack("support", { clientId: "old", revision });
    await ack("support", { clientId: "bad", revision });
    await ack("billing", { clientId: "other", revision, enforceMode: "shadow" });
    expect(await acks()).toMatchObject({ counts: { current: 4 }, unenforcedCount: 1 });
    expect((await acks("/v1/policies/p/acks")).counts).toEqual({ current: 3, behind: 0, refused: 0, silent: 0 });
  });

  it("does not change with lockdowns", async () => {
    await register("support");
    const { revision } = await written("PUT", "/v1/policies/p", { policy: tried("send") });
    await ack("support", { clientId: "c", revision });
    await server.call("POST", "/v1/lockdowns", { body: { scope: { kind: "actor", externalId: "u" } } });
    expect(await acks()).toMatchObject({ revision, counts: { current: 1, behind: 0 } });
  });

  it("is asked about policies that exist, and of nobody where there is nobody", async () => {
    expect(await refused("GET", "/v1/policies/q/acks")).toEqual([404, "HB_NOT_FOUND", "policyId"]);
    expect(await acks()).toEqual({
      revision: 0,
      counts: { current: 0, behind: 0, refused: 0, silent: 0 },
      unenforcedCount: 0,
      clients: [],
    });
  });
});
