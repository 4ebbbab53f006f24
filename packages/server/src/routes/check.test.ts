import {
  type CheckFacts,
  checkAnswerSchema,
  type Decision,
  type Policy,
  startRunAnswerSchema,
} from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestAnswer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
  await post("/v1/agents", { slug: "support" }, "PUT");
});

afterEach(() => server.stop());

async function post(path: string, body: unknown, method = "POST", key?: string): Promise<TestAnswer> {
  const answer = await server.call(method, path, { body, key });
  if (answer.status >= 300) expect.fail(JSON.stringify(answer.body));
  return answer;
}

async function setPolicies(policies: readonly Policy[]): Promise<void> {
  await post("/v1/policies", { policies }, "PUT");
}

async function checkAll(facts: readonly CheckFacts[], more: object = {}): Promise<readonly Decision[]> {
  const body = { agentId: "support", facts, ...more };
  return checkAnswerSchema.parse((await post("/v1/agents/check", body, "POST", server.keys.agent)).body).decisions;
}

async function check(facts: Partial<CheckFacts>, more: object = {}): Promise<Decision> {
  const [decision] = await checkAll([{ phase: "tool.before", runId: "run", ...facts }], more);
  return decision ?? expect.fail("no decision");
}

function approvalIdOf({ cause }: Decision): string {
  return cause.kind === "HITL_PENDING" && cause.approvalId !== undefined ? cause.approvalId : expect.fail(cause.kind);
}

const refund = (amount: number, more: Partial<CheckFacts> = {}): Partial<CheckFacts> => ({
  tool: { name: "refund" },
  args: { amount },
  ...more,
});

const BIG: Policy = {
  id: "refunds",
  name: "refunds",
  rules: [
    {
      id: "big",
      name: "big",
      on: "tool.before",
      tool: { name: "refund" },
      when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
      effect: { type: "hitl", reason: "refunds above 500 need approval" },
    },
  ],
};

describe("POST /v1/agents/check", () => {
  it("decides by the policies in force from the next request on", async () => {
    expect(await check(refund(900))).toMatchObject({ verdict: "ALLOW" });
    await setPolicies([BIG]);
    expect(await check(refund(900))).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "HITL_PENDING", ruleId: "big" },
    });
    expect(await check(refund(900), { policies: [] })).toMatchObject({ verdict: "ALLOW" });
    expect(await check(refund(900), { policies: ["refunds", "other"] })).toMatchObject({ verdict: "BLOCK" });
  });

  it("knows the tags that a tool was registered with", async () => {
    const rule = { name: "r", on: "tool.before", tool: { tagsAny: ["external"] }, effect: { type: "block" } } as const;
    await post("/v1/agents", { slug: "support", tools: [{ name: "mail", tags: ["external"] }] }, "PUT");
    await setPolicies([{ name: "p", rules: [{ ...rule, tool: { tagsAny: ["external"] } }] }]);
    expect(await check({ tool: { name: "mail" } })).toMatchObject({ verdict: "BLOCK" });
    expect(await check({ tool: { name: "other" } })).toMatchObject({ verdict: "ALLOW" });
    await post("/v1/agents/support/tools", { tools: [{ name: "other", tags: ["external"] }] }, "PUT");
    expect(await check({ tool: { name: "other" } })).toMatchObject({ verdict: "BLOCK" });
  });

  it("remembers what a run did, so that its client need not", async () => {
    await setPolicies([
      {
        name: "p",
        flow: { sources: [{ tool: { name: "web" }, add: ["untrusted"] }] },
        rules: [
          {
            id: "leak",
            name: "leak",
            on: "tool.before",
            tool: { name: "mail" },
            when: { kind: "label", allOf: ["untrusted"] },
            effect: { type: "block", control: "TERMINATE" },
          },
        ],
      },
    ]);
    const mail: Partial<CheckFacts> = { tool: { name: "mail" } };
    const web: Partial<CheckFacts> = { tool: { name: "web" }, callId: "c1" };
    expect(await check(mail)).toMatchObject({ verdict: "ALLOW" });
    expect(await check(web)).toMatchObject({ verdict: "ALLOW" });
    await check({ ...web, phase: "tool.after", result: "<html>" });
    expect(await check(mail)).toMatchObject({ verdict: "BLOCK", control: "TERMINATE" });
    expect(await check(web)).toMatchObject({ cause: { kind: "RUN_ENDED" }, control: "TERMINATE" });
    expect(await check({ ...mail, runId: "another" })).toMatchObject({ verdict: "ALLOW" });
    expect(await check({ ...mail, runId: "third", labels: ["untrusted"] })).toMatchObject({ verdict: "BLOCK" });
  });

  it("counts calls of one run exactly, however many come at once", async () => {
    await setPolicies([
      {
        name: "p",
        rules: [
          { name: "r", on: "tool.before", when: { kind: "maxCalls", scope: "run", max: 5 }, effect: { type: "block" } },
        ],
      },
    ]);
    const decisions = await Promise.all(Array.from({ length: 12 }, (_, at) => check(refund(at, { callId: `c${at}` }))));
    expect(decisions.filter(({ verdict }) => verdict === "ALLOW").length).toBe(5);
  });

  it("never lets a budget of many runs be overshot, however many calls come at once", async () => {
    await setPolicies([
      {
        name: "p",
        rules: [
          {
            name: "calls",
            on: "tool.before",
            tool: { name: "ping" },
            when: { kind: "maxCalls", scope: "agent", max: 7, windowSeconds: 3_600 },
            effect: { type: "block" },
          },
          {
            name: "money",
            on: "tool.before",
            tool: { name: "pay" },
            when: {
              kind: "metricWindow",
              scope: "workspace",
              metric: "cost",
              aggregate: "sum",
              windowSeconds: 3_600,
              op: "gt",
              value: 10,
              estimate: 3,
              tool: { name: "pay" },
            },
            effect: { type: "block" },
          },
        ],
      },
    ]);
    const many = (name: string): Promise<readonly Decision[]> =>
      Promise.all(
        Array.from({ length: 20 }, (_, at) => check({ runId: `${name}-${at}`, callId: "c", tool: { name } })),
      );
    const pings = await many("ping");
    expect(pings.filter(({ verdict }) => verdict === "ALLOW").length).toBe(7);
    expect(pings.find(({ verdict }) => verdict === "BLOCK")?.cause).toMatchObject({ kind: "BUDGET_EXHAUSTED" });
    const pays = await many("pay");
    const paid = pays.flatMap(({ verdict }, at) => (verdict === "ALLOW" ? [at] : []));
    expect(paid.length).toBe(3);
    // What a call came to takes the place of its estimate: 1 each leaves room for two more.
    for (const at of paid) {
      const ended = { runId: `pay-${at}`, callId: "c", tool: { name: "pay" }, metrics: { cost: 1 } };
      await check({ ...ended, phase: "tool.after", result: "paid" });
    }
    const more = await many("pay");
    expect(more.filter(({ verdict }) => verdict === "ALLOW").length).toBe(2);
  });

  it("decides a batch in order", async () => {
    await setPolicies([
      {
        name: "p",
        rules: [
          {
            name: "r",
            on: "tool.before",
            tool: { name: "pay" },
            when: { kind: "sequence", notCalled: [{ name: "ask" }] },
            effect: { type: "block" },
          },
        ],
      },
    ]);
    const of = (name: string, runId = "run"): CheckFacts => ({ phase: "tool.before", runId, tool: { name } });
    const decisions = await checkAll([of("pay"), of("ask"), of("pay"), of("pay", "other")]);
    expect(decisions.map(({ verdict }) => verdict)).toEqual(["BLOCK", "ALLOW", "ALLOW", "BLOCK"]);
  });

  it("obeys stop orders and the end of a run", async () => {
    expect(await check({})).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "UNAVAILABLE", code: "HB_FACTS_INVALID" },
    });
    await post("/v1/runs/run/start", { agentId: "support", sessionId: "s" });
    await post("/v1/runs/run/end", { agentId: "support", status: "success" });
    expect(await check(refund(1))).toMatchObject({ cause: { kind: "RUN_ENDED" } });
    const lockdown = await post("/v1/lockdowns", { scope: { kind: "agent", slug: "support" }, reason: "incident" });
    const { lockdownId } = (lockdown.body as { readonly lockdown: { readonly lockdownId: string } }).lockdown;
    expect(await check(refund(1, { runId: "new" }))).toMatchObject({ cause: { kind: "LOCKDOWN", lockdownId } });
    const start = await post("/v1/runs/newer/start", { agentId: "support" });
    expect(startRunAnswerSchema.parse(start.body)).toEqual({
      lockdown: { active: true, reason: "incident", until_ts: null },
    });
    await server.call("DELETE", `/v1/lockdowns/${lockdownId}`);
    expect(await check(refund(1, { runId: "newest" }))).toMatchObject({ verdict: "ALLOW" });
    // A run that a stop order ended stays ended.
    expect(await check(refund(1, { runId: "new" }))).toMatchObject({ cause: { kind: "RUN_ENDED" } });
  });

  it("says in shadow what it would do", async () => {
    await setPolicies([
      { ...BIG, rules: [{ ...BIG.rules[0], name: "big", on: "tool.before", effect: { type: "block" } }] },
    ]);
    const decision = await check(refund(900), { enforceMode: "shadow" });
    expect(decision).toMatchObject({ verdict: "ALLOW", shadow: { verdict: "BLOCK" } });
  });

  it("brings a held call before a person, and lets exactly that call through once", async () => {
    await setPolicies([BIG]);
    const held = await check(refund(900, { callId: "c1" }), { hold: true });
    expect(held.cause).toMatchObject({ kind: "HITL_PENDING", ruleId: "big" });
    const approvalId = approvalIdOf(held);
    expect((await check(refund(900, { callId: "c1" }), { hold: true })).cause).toEqual(held.cause);
    await post(`/v1/approvals/${approvalId}/resolve`, { status: "approved", by: "ada" });
    // Other arguments, and another actor, are other calls.
    const other = { actor: { externalId: "mallory" } };
    for (const facts of [refund(901, { callId: "c1" }), refund(900, { callId: "c1", ...other })]) {
      expect(await check(facts, { hold: true })).toMatchObject({ verdict: "BLOCK", cause: { kind: "HITL_PENDING" } });
    }
    const approved = { verdict: "ALLOW", cause: { kind: "HITL_APPROVED", approvalId, by: "ada" } };
    expect(await check(refund(900, { callId: "c1" }), { hold: true })).toMatchObject(approved);
    // Models and frameworks use the ids of calls again: one approval is of one call, whatever it is called.
    for (const callId of ["c1", "c2"]) {
      expect(await check(refund(900, { callId }), { hold: true })).toMatchObject({ verdict: "BLOCK" });
    }
  });

  it("shows people the arguments as the client lets them be shown, and binds the answer to those of the call", async () => {
    await setPolicies([BIG]);
    const facts = refund(900, { callId: "c1" });
    const held = await check({ ...facts, shownArgs: { amount: "[hidden]" } }, { hold: true });
    const { body } = await post(`/v1/approvals/${approvalIdOf(held)}`, undefined, "GET");
    expect(body).toMatchObject({ approval: { args: { amount: "[hidden]" } } });
    await post(`/v1/approvals/${approvalIdOf(held)}/resolve`, { status: "approved", by: "ada" });
    expect(await check(refund(901, { callId: "c2" }), { hold: true })).toMatchObject({ verdict: "BLOCK" });
    expect(await check(facts, { hold: true })).toMatchObject({ verdict: "ALLOW", cause: { kind: "HITL_APPROVED" } });
  });

  it("lets an approved call through once, of whichever run it is, though the run that asked is over", async () => {
    await setPolicies([BIG]);
    const held = await check(refund(900, { callId: "c1", runId: "first" }), { hold: true });
    const approvalId = approvalIdOf(held);
    await post("/v1/runs/first/end", { agentId: "support", status: "success" });
    const second = refund(900, { callId: "c2", runId: "second" });
    expect((await check(second, { hold: true })).cause).toEqual(held.cause);
    await post(`/v1/approvals/${approvalId}/resolve`, { status: "approved", by: "ada" });
    const approved = { verdict: "ALLOW", cause: { kind: "HITL_APPROVED", approvalId } };
    expect(await check(second, { hold: true })).toMatchObject(approved);
    const { body } = await post(`/v1/approvals/${approvalId}`, undefined, "GET");
    expect(body).toMatchObject({ approval: { runId: "first", usedBy: { runId: "second", callId: "c2" } } });
    expect(await check(refund(900, { callId: "c3", runId: "third" }), { hold: true })).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "HITL_PENDING" },
    });
  });

  it("answers a denied call so", async () => {
    await setPolicies([BIG]);
    const held = await check(refund(900), { hold: true });
    const approvalId = approvalIdOf(held);
    await post(`/v1/approvals/${approvalId}/resolve`, { status: "denied", by: "ada" });
    expect(await check(refund(900), { hold: true })).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "HITL_DENIED", approvalId, by: "ada" },
    });
  });

  it("sees what stands below odd keys", async () => {
    const when = { kind: "toolArg", path: "**", type: "string", op: "contains", value: "secret" } as const;
    await setPolicies([{ name: "p", rules: [{ name: "r", on: "tool.before", when, effect: { type: "block" } }] }]);
    const facts = '{"phase":"tool.before","runId":"run","tool":{"name":"x"},"args":{"__proto__":{"a":"secret"}}}';
    const bytes = new TextEncoder().encode(`{"agentId":"support","facts":${facts}}`);
    const headers = { "content-type": "application/json" };
    const answer = await server.call("POST", "/v1/agents/check", { bytes, headers });
    expect(checkAnswerSchema.parse(answer.body).decisions).toMatchObject([{ verdict: "BLOCK" }]);
  });

  it("does not know agents of another workspace", async () => {
    const key = await server.keyFor(["check"], "other");
    const facts = { phase: "tool.before", runId: "run", tool: { name: "x" } };
    const answer = await server.call("POST", "/v1/agents/check", { key, body: { agentId: "support", facts } });
    expect([answer.status, answer.body]).toMatchObject([404, { code: "HB_NOT_FOUND", field: "agentId" }]);
  });

  it("carries labels from a session's runs to its next ones", async () => {
    await setPolicies([
      {
        name: "p",
        flow: { scope: "session", sources: [{ tool: { name: "web" }, add: ["untrusted"] }] },
        rules: [
          {
            name: "r",
            on: "tool.before",
            tool: { name: "mail" },
            when: { kind: "label", allOf: ["untrusted"] },
            effect: { type: "block" },
          },
        ],
      },
    ]);
    const session = { sessionId: "s" };
    await check({ ...session, runId: "r1", phase: "tool.after", callId: "c", tool: { name: "web" }, result: "x" });
    expect(await check({ ...session, runId: "r2", tool: { name: "mail" } })).toMatchObject({ verdict: "BLOCK" });
    expect(await check({ sessionId: "other", runId: "r3", tool: { name: "mail" } })).toMatchObject({
      verdict: "ALLOW",
    });
  });
});
