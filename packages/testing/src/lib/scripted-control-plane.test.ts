import {
  type AuditEvent,
  agentStateSchema,
  approvalAnswerBodySchema,
  budgetAnswerSchema,
  checkAnswerSchema,
  ingestAnswerSchema,
  type LeaseOperation,
  type Policy,
  problemSchema,
  registerAgentAnswerSchema,
} from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createScriptedControlPlane, type ScriptedControlPlaneOptions } from "./scripted-control-plane.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";
const BLOCK_SEND: Policy = {
  id: "p",
  name: "p",
  rules: [{ id: "r", name: "no send", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } }],
};
const CAP: Policy = {
  id: "cap",
  name: "cap",
  rules: [
    {
      id: "r",
      name: "cap",
      on: "tool.before",
      when: { kind: "maxCalls", scope: "agent", max: 10, windowSeconds: 60 },
      effect: { type: "block" },
    },
  ],
};
const KEY = { policyId: "cap", ruleId: "r", index: 0, scope: "agent", scopeId: "support" } as const;

type WithoutKey<T> = T extends unknown ? Omit<T, "key"> : never;

function world(options: ScriptedControlPlaneOptions = {}) {
  const sim = createSimRuntime("plane", { latencyMs: 1 });
  const plane = createScriptedControlPlane(sim.runtime, options);
  sim.network.serve(API, plane.handler);
  const send = (method: string, path: string, rest: { body?: unknown; headers?: Record<string, string> } = {}) =>
    sim.runtime.fetch(`${API}${path}`, {
      method,
      headers: { authorization: "Bearer hb_key", ...rest.headers },
      ...(rest.body === undefined ? {} : { body: JSON.stringify(rest.body) }),
    });
  const ask: typeof send = (method, path, rest) => sim.clock.runUntil(send(method, path, rest), 120_000);
  const register = () => ask("PUT", "/v1/agents", { body: { slug: "support" } });
  return { sim, plane, send, ask, register };
}

function eventOf(eventId: string, seq: number, rest: Partial<AuditEvent> = {}): unknown {
  return {
    schema: "handlebar.audit.v1",
    eventId,
    seq,
    ts: "2026-01-05T12:00:00.000Z",
    agentId: "support",
    runId: "run-1",
    kind: "run.ended",
    data: { status: "success", steps: 0 },
    ...rest,
  };
}
const eventId = (at: number): string => `00000000-0000-7000-8000-${String(at).padStart(12, "0")}`;

describe("state routes", () => {
  it("registers an agent and answers with its state", async () => {
    const other: Policy = { ...BLOCK_SEND, id: "other", name: "other", agents: { anyOfSlugs: ["billing"] } };
    const { plane, register } = world({ policies: [BLOCK_SEND, other] });
    const answer = registerAgentAnswerSchema.parse(await (await register()).json());
    expect(answer).toMatchObject({ agentId: "agent-support", state: { revision: 1, lockdowns: [] } });
    expect(answer.state.policies.map((policy) => policy.id)).toEqual(["p"]);
    expect(plane.agents()).toEqual([{ agentId: "agent-support", agent: { slug: "support" }, tools: [] }]);
  });

  it("answers 304 to who knows the revision, and holds a poll until there is a new one", async () => {
    const { sim, plane, send, ask, register } = world();
    await register();
    const headers = { "if-none-match": '"0"' };
    expect((await ask("GET", "/v1/agents/agent-support/state", { headers })).status).toBe(304);
    const held = send("GET", "/v1/agents/agent-support/state?wait=20", { headers });
    await sim.clock.advance(5_000);
    plane.setPolicies([BLOCK_SEND]);
    const fresh = await sim.clock.runUntil(held);
    expect([fresh.status, fresh.headers.get("etag"), sim.clock.elapsedMs < 5_100]).toEqual([200, '"1"', true]);
    expect(agentStateSchema.parse(await fresh.json()).revision).toBe(1);
    const startedMs = sim.clock.elapsedMs;
    const late = await ask("GET", "/v1/agents/agent-support/state?wait=20", { headers: { "if-none-match": '"1"' } });
    expect([late.status, sim.clock.elapsedMs - startedMs]).toEqual([304, 20_002]);
  });

  it("streams states, lockdowns and heartbeats, and goes on where a client left off", async () => {
    const { sim, plane, ask, register } = world();
    await register();
    const open = async (headers: Record<string, string>): Promise<() => string> => {
      const response = await ask("GET", "/v1/agents/agent-support/stream", { headers });
      let text = "";
      void (async () => {
        for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
      })();
      await sim.clock.advance(5);
      return () => text;
    };
    const first = await open({});
    expect(first()).toMatch(/^event: state\nid: 0\ndata: \{"kind":"state".*\}\n\n$/);
    const second = await open({ "last-event-id": "0" });
    expect(second()).toBe('event: heartbeat\ndata: {"kind":"heartbeat"}\n\n');
    const { lockdownId } = plane.addLockdown({ scope: { kind: "workspace" } });
    await sim.clock.advance(5);
    expect(second()).toContain(`event: lockdowns\nid: 1\ndata: {"kind":"lockdowns","revision":1,"lockdowns":[{`);
    expect(plane.liftLockdown(lockdownId)).toBe(true);
    expect(plane.liftLockdown(lockdownId)).toBe(false);
    await sim.clock.advance(15_010);
    expect(first().match(/event: heartbeat/g)?.length).toBe(1);
    expect(plane.streamCount).toBe(2);
    plane.closeStreams();
    await sim.clock.advance(5);
    expect([plane.streamCount, sim.clock.pendingTimers()]).toEqual([0, []]);
  });

  it("refuses streams where they are switched off", async () => {
    const { ask, register } = world({ streams: false });
    await register();
    expect((await ask("GET", "/v1/agents/agent-support/stream")).status).toBe(501);
  });

  it("keeps acknowledgements and lockdowns that come over HTTP", async () => {
    const { plane, ask, register } = world();
    await register();
    const created = await ask("POST", "/v1/lockdowns", { body: { scope: { kind: "agent", slug: "support" } } });
    const { lockdown } = (await created.json()) as { lockdown: { lockdownId: string } };
    const body = { clientId: "c", revision: 1, lockdownIds: [lockdown.lockdownId] };
    expect((await ask("POST", "/v1/agents/agent-support/ack", { body })).status).toBe(200);
    expect(plane.acks()).toEqual([{ ...body, slug: "support", atMs: expect.any(Number) }]);
    expect((await ask("DELETE", `/v1/lockdowns/${lockdown.lockdownId}`)).status).toBe(204);
    expect((await ask("DELETE", `/v1/lockdowns/${lockdown.lockdownId}`)).status).toBe(404);
    expect(plane.revision).toBe(2);
  });
});

describe("errors of a scripted control plane", () => {
  it("refuses keys that are unknown or revoked", async () => {
    const { plane, ask, register } = world({ apiKeys: ["hb_key"] });
    expect((await ask("PUT", "/v1/agents", { headers: { authorization: "Bearer other" }, body: {} })).status).toBe(401);
    plane.revokeKey("hb_key");
    const refused = await register();
    expect([refused.status, problemSchema.parse(await refused.json()).code]).toEqual([401, "HB_API_AUTH"]);
    plane.restoreKey();
    expect((await register()).status).toBe(200);
  });

  it("names the field that is wrong, and what does not exist", async () => {
    const { ask } = world();
    const wrong = await ask("PUT", "/v1/agents", { body: { slug: 7 } });
    expect([wrong.status, problemSchema.parse(await wrong.json()).field]).toEqual([400, "slug"]);
    expect((await ask("GET", "/v1/agents/none/state")).status).toBe(404);
    expect((await ask("GET", "/v1/nothing")).status).toBe(404);
  });
});

describe("events of a scripted control plane", () => {
  it("keeps each event once and answers per event", async () => {
    const { plane, ask } = world();
    plane.judgeEvents((event) => (event.seq === 3 ? "retry" : undefined));
    const send = async (events: unknown[]): Promise<unknown> =>
      ingestAnswerSchema.parse(
        await (await ask("POST", "/v1/runs/events", { body: { agentId: "support", events } })).json(),
      );
    expect(await send([eventOf(eventId(1), 0), eventOf(eventId(2), 1)])).toEqual({
      accepted: 2,
      results: [],
      revision: 0,
    });
    expect(await send([eventOf(eventId(2), 1), eventOf("bad", 2), eventOf(eventId(3), 3)])).toMatchObject({
      accepted: 0,
      results: [
        { eventId: eventId(2), status: "duplicate" },
        { eventId: "bad", status: "rejected" },
        { eventId: eventId(3), status: "retry" },
      ],
    });
    expect([plane.events().length, plane.duplicateCount, plane.rejectedCount]).toEqual([2, 1, 1]);
    expect((await ask("POST", "/v1/runs/events", { body: { agentId: "support", events: [] } })).status).toBe(400);
  });

  it("finds gaps that no drop report explains", async () => {
    const { plane, ask } = world();
    const dropped = eventOf(eventId(9), 9, {
      kind: "events.dropped",
      data: {
        counts: [{ reason: "overflow", kind: "tool.result", count: 2 }],
        ranges: [{ runId: "run-1", from: 3, to: 4 }],
      },
    } as Partial<AuditEvent>);
    const events = [eventOf(eventId(1), 0), eventOf(eventId(2), 2), eventOf(eventId(3), 5), dropped];
    await ask("POST", "/v1/runs/events", { body: { agentId: "support", events } });
    expect(plane.gaps()).toEqual([
      { runId: "run-1", from: 1, to: 1 },
      { runId: "run-1", from: 6, to: 8 },
    ]);
  });

  it("keeps runs that are told of", async () => {
    const { plane, ask, register } = world();
    await register();
    await ask("POST", "/v1/runs/run%2F1/start", { body: { agentId: "agent-support", sessionId: "s" } });
    await ask("POST", "/v1/runs/run%2F1/end", { body: { agentId: "support", status: "error" } });
    expect(plane.runs()).toEqual([
      { runId: "run/1", slug: "support", start: { agentId: "agent-support", sessionId: "s" }, status: "error" },
    ]);
  });
});

describe("checks of a scripted control plane", () => {
  it("decides a batch in order with the engine, and remembers the run", async () => {
    const { ask, register } = world({ policies: [BLOCK_SEND, CAP] });
    await register();
    const facts = (name: string) => ({ phase: "tool.before", runId: "run-1", callId: name, tool: { name }, args: {} });
    const check = async (names: string[]): Promise<unknown> => {
      const answer = await ask("POST", "/v1/agents/check", { body: { agentId: "support", facts: names.map(facts) } });
      return checkAnswerSchema.parse(await answer.json()).decisions.map(({ verdict, cause }) => [verdict, cause.kind]);
    };
    expect(await check(["read", "send"])).toEqual([
      ["ALLOW", "ALLOW"],
      ["BLOCK", "RULE_VIOLATION"],
    ]);
    expect((await check(Array.from({ length: 10 }, () => "read"))) as unknown[]).toEqual([
      ...Array.from({ length: 9 }, () => ["ALLOW", "ALLOW"]),
      ["BLOCK", "BUDGET_EXHAUSTED"],
    ]);
  });
});

describe("leases of a scripted control plane", () => {
  async function leasing() {
    const made = world({ policies: [CAP], leaseTtlMs: 5_000 });
    await made.register();
    const lease = async (clientId: string, operation: WithoutKey<LeaseOperation>) => {
      const body = { clientId, operations: [{ ...operation, key: KEY }] };
      const answer = await made.ask("POST", "/v1/agents/support/metrics/budget", { body });
      const [given] = budgetAnswerSchema.parse(await answer.json()).leases;
      return [given?.granted, given?.remaining];
    };
    return { ...made, lease };
  }

  it("never grants more than the budget holds", async () => {
    const { lease } = await leasing();
    expect(await lease("a", { op: "request", leaseId: "1", amount: 7 })).toEqual([7, 3]);
    expect(await lease("b", { op: "request", leaseId: "2", amount: 7 })).toEqual([3, 0]);
    expect(await lease("a", { op: "request", leaseId: "1", amount: 7 })).toEqual([7, 0]);
    expect(await lease("b", { op: "renew", leaseId: "2", spent: 3, amount: 7 })).toEqual([3, 0]);
    expect(await lease("a", { op: "return", leaseId: "1", spent: 2 })).toEqual([7, 5]);
    expect(await lease("b", { op: "renew", leaseId: "2", spent: 3, amount: 4 })).toEqual([7, 1]);
  });

  it("takes what a silent client was granted as spent, until it says better", async () => {
    const { sim, plane, lease } = await leasing();
    expect(await lease("a", { op: "request", leaseId: "1", amount: 8 })).toEqual([8, 2]);
    await sim.clock.advance(6_000);
    expect(await lease("b", { op: "request", leaseId: "2", amount: 10 })).toEqual([2, 0]);
    expect(plane.leases().map((one) => [one.leaseId, one.status])).toEqual([
      ["1", "expired"],
      ["2", "open"],
    ]);
    expect(await lease("a", { op: "return", leaseId: "1", spent: 5 })).toEqual([8, 3]);
  });

  it("has room again once what was spent has left the window", async () => {
    const { sim, lease } = await leasing();
    await lease("a", { op: "request", leaseId: "1", amount: 10 });
    expect(await lease("a", { op: "return", leaseId: "1", spent: 10 })).toEqual([10, 0]);
    await sim.clock.advance(60_000);
    expect(await lease("a", { op: "request", leaseId: "2", amount: 10 })).toEqual([10, 0]);
  });

  it("grants nothing of a budget that no policy has", async () => {
    const { ask } = await leasing();
    const operation = { op: "request", leaseId: "9", amount: 1, key: { ...KEY, ruleId: "none" } };
    const answer = await ask("POST", "/v1/agents/support/metrics/budget", {
      body: { clientId: "a", operations: [operation] },
    });
    expect(budgetAnswerSchema.parse(await answer.json()).leases).toMatchObject([{ granted: 0, remaining: 0 }]);
  });
});

describe("approvals of a scripted control plane", () => {
  const request = (approvalId: string, rest: object = {}) => ({
    approvalId,
    fingerprint: "a".repeat(64),
    agent: "support",
    runId: "run-1",
    callId: "call-1",
    tool: "refund",
    ruleId: "r",
    policyId: "p",
    actor: { externalId: "u_1" },
    ...rest,
  });

  it("hands an approval out once, and again only to the request that took it", async () => {
    const { plane, ask } = world();
    const claim = async (approvalId: string): Promise<unknown[]> => {
      const answer = await ask("POST", "/v1/approvals", { body: request(approvalId) });
      const { approval } = approvalAnswerBodySchema.parse(await answer.json());
      return [approval.approvalId, approval.status, approval.usedAt !== undefined];
    };
    expect(await claim("1")).toEqual(["1", "pending", false]);
    expect(await claim("2")).toEqual(["1", "pending", false]);
    plane.resolveApproval("1", { status: "approved", by: "boss" });
    expect(await claim("2")).toEqual(["1", "approved", true]);
    expect(await claim("2")).toEqual(["1", "approved", true]);
    expect(await claim("3")).toEqual(["3", "pending", false]);
    expect(plane.approvals().map((approval) => approval.status)).toEqual(["approved", "pending"]);
    expect(() => plane.resolveApproval("1", { status: "denied" })).toThrow("approved already");
  });

  it("holds a poll until somebody answers, or the time is over", async () => {
    const { sim, plane, send, ask } = world();
    await ask("POST", "/v1/approvals", { body: request("1", { terms: { expiresInSeconds: 20 } }) });
    const held = send("GET", "/v1/approvals/1?wait=10");
    await sim.clock.advance(1_000);
    plane.resolveApproval("1", { status: "denied", by: "boss", comment: "no" });
    const { approval } = approvalAnswerBodySchema.parse(await (await sim.clock.runUntil(held)).json());
    expect(approval).toMatchObject({ status: "denied", by: "boss", comment: "no" });
    await ask("POST", "/v1/approvals", {
      body: request("2", { fingerprint: "b".repeat(64), terms: { expiresInSeconds: 5 } }),
    });
    const expired = await ask("GET", "/v1/approvals/2?wait=10");
    expect(approvalAnswerBodySchema.parse(await expired.json()).approval.status).toBe("expired");
    expect((await ask("GET", "/v1/approvals/none")).status).toBe(404);
  });

  it("keeps the terms: who may answer, and how many it takes", async () => {
    const { plane, ask } = world();
    const terms = { approvalsNeeded: 2, approvers: ["a", "b", "u_1"], notRequester: true };
    await ask("POST", "/v1/approvals", { body: request("1", { terms }) });
    const answer = (by: string) => ask("POST", "/v1/approvals/1/resolve", { body: { status: "approved", by } });
    expect([(await answer("stranger")).status, (await answer("u_1")).status]).toEqual([403, 403]);
    expect([(await answer("a")).status, plane.approvals()[0]?.status]).toEqual([200, "pending"]);
    expect([(await answer("a")).status, plane.approvals()[0]?.status]).toEqual([200, "pending"]);
    expect([(await answer("b")).status, plane.approvals()[0]?.status]).toEqual([200, "approved"]);
    expect((await ask("POST", "/v1/approvals", { body: request("1", { fingerprint: "c".repeat(64) }) })).status).toBe(
      409,
    );
  });
});
