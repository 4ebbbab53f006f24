import { Handlebar, type HandlebarClient, type HandlebarConfig, type Runtime } from "@handlebar/core";
import { approvalListSchema, eventListSchema, type Policy, runAnswerSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";

let plane: TestControlPlane;
const clients: HandlebarClient[] = [];

beforeEach(async () => {
  plane = await startControlPlane();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((hb) => hb.shutdown()));
  await plane.stop();
});

async function client(more: Partial<HandlebarConfig> = {}): Promise<HandlebarClient> {
  const quiet = { warn: () => undefined, error: () => undefined };
  const hb = Handlebar.init({
    agent: { slug: "support" },
    apiKey: plane.agentKey,
    endpoint: plane.origin,
    logger: quiet,
    ...more,
  });
  clients.push(hb);
  await hb.ready();
  return hb;
}

const setPolicies = (...rules: Policy["rules"]): Promise<unknown> =>
  plane.call("PUT", "/v1/policies", { policies: [{ id: "p", name: "p", rules }] });

const hold: Policy["rules"][number] = {
  id: "hold",
  name: "hold",
  on: "tool.before",
  tool: { name: "refund" },
  effect: { type: "hitl", reason: "a person decides" },
};

const cap: Policy["rules"][number] = {
  id: "cap",
  name: "cap",
  on: "tool.before",
  when: { kind: "maxCalls", scope: "agent", max: 7, windowSeconds: 3_600 },
  effect: { type: "block" },
};

async function approvalsOf(status: string): Promise<readonly string[]> {
  const answer = await plane.call("GET", `/v1/approvals?status=${status}`);
  return approvalListSchema.parse(answer).approvals.map(({ approvalId }) => approvalId);
}

describe("an SDK client and the control plane's decisions", () => {
  it("waits for a person, and runs exactly the call that was approved, once", async () => {
    await setPolicies(hold);
    const run = (await client()).startRun({ runId: "held" });
    const call = { name: "refund", args: { amount: 9 }, approvalWaitMs: 20_000 };
    const waiting = run.beforeTool(call);
    await expect.poll(() => approvalsOf("pending")).toHaveLength(1);
    const [approvalId = ""] = await approvalsOf("pending");
    await plane.call("POST", `/v1/approvals/${approvalId}/resolve`, { status: "approved", by: "ada" });
    expect(await waiting).toMatchObject({ verdict: "ALLOW", cause: { kind: "HITL_APPROVED", approvalId, by: "ada" } });
    expect(await run.beforeTool({ ...call, approvalWaitMs: 0 })).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "HITL_PENDING" },
    });
  });

  it("shares a budget with other clients, and none of them overshoots it", async () => {
    await setPolicies(cap);
    const all = await Promise.all([client(), client(), client()]);
    const decisions = await Promise.all(
      all.flatMap((hb) => {
        const run = hb.startRun();
        return Array.from({ length: 10 }, () => run.beforeTool({ name: "ping", args: {} }));
      }),
    );
    const allowed = decisions.filter(({ verdict }) => verdict === "ALLOW").length;
    expect(allowed).toBeGreaterThan(0);
    expect(allowed).toBeLessThanOrEqual(7);
  });

  it("is decided for by the server where it asks it to, with what the server remembers", async () => {
    await setPolicies(cap);
    const asked: string[] = [];
    const runtime: Partial<Runtime> = {
      fetch: (url, init) => {
        asked.push(new URL(url).pathname);
        return fetch(url, init);
      },
    };
    const remote = { evaluation: "remote", runtime } as const;
    const [one, two] = await Promise.all([client(remote), client(remote)]);
    const decisions = await Promise.all(
      [one, two].flatMap((hb) => {
        const run = hb.startRun();
        return Array.from({ length: 6 }, () => run.beforeTool({ name: "ping", args: {} }));
      }),
    );
    expect(decisions.filter(({ verdict }) => verdict === "ALLOW").length).toBe(7);
    expect(asked.filter((path) => path === "/v1/agents/check").length).toBe(12);
  });

  it("has its whole trail stored, also what it recorded while the server was away", async () => {
    const hb = await client();
    const run = hb.startRun({ runId: "trail", actor: { externalId: "u1" } });
    await run.tool({ name: "first", args: {} }, () => Promise.resolve("done"));
    await plane.restart(async () => {
      await run.tool({ name: "second", args: {} }, () => Promise.resolve("done"));
    });
    await run.end("success");
    await hb.shutdown();
    const { run: stored, gaps } = runAnswerSchema.parse(await plane.call("GET", "/v1/runs/trail"));
    expect(gaps).toEqual([]);
    expect(stored).toMatchObject({
      agent: "support",
      status: "success",
      decisionCount: 2,
      actor: { externalId: "u1" },
    });
    const { events } = eventListSchema.parse(await plane.call("GET", "/v1/runs/trail/events"));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at));
    expect(events.filter(({ kind }) => kind === "tool.result").length).toBe(2);
  });
});
