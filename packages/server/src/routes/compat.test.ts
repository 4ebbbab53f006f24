import { type Decision, eventListSchema, type Policy, runAnswerSchema, runListSchema } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestAnswer, type TestServer } from "../test-server.test-support.ts";
import { legacyDecisionOf } from "./compat.ts";

let server: TestServer;
let agentId = "";

const POLICIES: readonly Policy[] = [
  {
    id: "p",
    name: "p",
    flow: { sources: [{ tool: { name: "web" }, add: ["untrusted"] }] },
    rules: [
      {
        id: "big",
        name: "big",
        on: "tool.before",
        tool: { name: "refund" },
        when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
        effect: { type: "hitl", reason: "large" },
      },
      {
        id: "leak",
        name: "leak",
        on: "tool.before",
        tool: { tagsAny: ["external"] },
        when: { kind: "label", allOf: ["untrusted"] },
        effect: { type: "block" },
      },
      {
        id: "tier",
        name: "tier",
        on: "tool.before",
        tool: { name: "vip" },
        when: { kind: "actor", path: "metadata.tier", op: "neq", value: "gold", onMissing: "match" },
        effect: { type: "block" },
      },
      {
        id: "mail",
        name: "mail",
        on: "tool.after",
        tool: { name: "lookup" },
        effect: { type: "redact", redact: [{ detectors: ["email"], method: "remove" }] },
      },
    ],
  },
];

beforeAll(async () => {
  server = await startTestServer();
  const body = { slug: "old", name: "Old", tools: [{ name: "mail", description: "sends", tags: ["external"] }] };
  const registered = await post("/v1/agents", body);
  agentId = String((registered.body as { readonly agentId: unknown }).agentId);
  await post("/v1/policies", { policies: POLICIES }, "PUT");
});

afterAll(() => server.stop());

async function post(path: string, body: unknown, method = "POST"): Promise<TestAnswer> {
  const answer = await server.call(method, path, { body });
  if (answer.status >= 300) expect.fail(JSON.stringify(answer.body));
  return answer;
}

async function evaluate(runId: string, more: object): Promise<unknown> {
  const body = { phase: "tool.before", agentId, args: {}, ...more };
  return (await post(`/v1/runs/${runId}/evaluate`, body)).body;
}

describe("a client of the first protocol", () => {
  it("registers by either method, and its tools", async () => {
    const again = await post("/v1/agents", { slug: "old" }, "PUT");
    expect(again.body).toMatchObject({ agentId });
    const tools = [{ key: "lookup", name: "lookup", description: null, version: 2, kind: "function", metadata: {} }];
    await post(`/v1/agents/${agentId}/tools`, { tools }, "PUT");
  });

  it("learns at a run's start whether it may run", async () => {
    const start = { agentId, sessionId: "s", actor: { externalId: "u1" }, model: { name: "m", provider: "x" } };
    const free = await post("/v1/runs/legacy-0/start", start);
    expect(free.body).toEqual({ lockdown: { active: false } });
    const until = new Date(Date.now() + 60_000).toISOString();
    const lockdown = await post("/v1/lockdowns", { scope: { kind: "session", sessionId: "s" }, reason: "why", until });
    const { lockdownId } = (lockdown.body as { readonly lockdown: { readonly lockdownId: string } }).lockdown;
    const stopped = await post("/v1/runs/legacy-1/start", start);
    expect(stopped.body).toEqual({ lockdown: { active: true, reason: "why", until_ts: Date.parse(until) } });
    expect(await evaluate("legacy-1", { tool: { name: "x" } })).toMatchObject({
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: { kind: "LOCKDOWN", lockdownId },
    });
    await server.call("DELETE", `/v1/lockdowns/${lockdownId}`);
  });

  it("is decided with what the server remembers of its run", async () => {
    const gold = { externalId: "u_gold", metadata: { tier: "gold" } };
    await post("/v1/runs/legacy-2/start", { agentId, actor: gold });
    const actor = { externalId: "u_gold" };
    expect(await evaluate("legacy-2", { tool: { name: "vip" }, actor })).toMatchObject({ verdict: "ALLOW" });
    expect(await evaluate("legacy-2", { tool: { name: "vip" }, actor: { externalId: "u2" } })).toMatchObject({
      cause: { kind: "RULE_VIOLATION", ruleId: "tier" },
    });
    expect(await evaluate("legacy-2", { tool: { name: "mail" } })).toMatchObject({ verdict: "ALLOW" });
    expect(await evaluate("legacy-2", { tool: { name: "web" } })).toMatchObject({ verdict: "ALLOW" });
    await evaluate("legacy-2", {
      phase: "tool.after",
      tool: { name: "web" },
      result: "<html>",
      metrics: { bytes_out: 6 },
    });
    const blocked = await evaluate("legacy-2", { tool: { name: "mail", tags: ["external"] }, args: { to: "x" } });
    expect(blocked).toMatchObject({
      verdict: "BLOCK",
      control: "CONTINUE",
      cause: { kind: "RULE_VIOLATION", ruleId: "leak" },
    });
    await post("/v1/runs/legacy-2/end", { agentId, status: "success" });
    expect(await evaluate("legacy-2", { tool: { name: "x" } })).toMatchObject({
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: { kind: "LOCKDOWN" },
    });
  });

  it("has its held calls brought before a person, each use asked for anew", async () => {
    const call = { tool: { name: "refund" }, args: { amount: 900 } };
    const held = await evaluate("legacy-3", call);
    expect(held).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "HITL_PENDING", approvalId: expect.any(String), ruleId: "big" },
      evaluatedRules: [{ ruleId: "big", enabled: true, matched: true, violated: true }],
      finalRuleId: "big",
    });
    const { approvalId } = (held as { readonly cause: { readonly approvalId: string } }).cause;
    expect(await evaluate("legacy-3", call)).toMatchObject({ cause: { kind: "HITL_PENDING", approvalId } });
    await post(`/v1/approvals/${approvalId}/resolve`, { status: "approved", by: "ada" });
    expect(await evaluate("legacy-3", call)).toMatchObject({ verdict: "ALLOW", cause: { kind: "ALLOW" } });
    const next = await evaluate("legacy-3", call);
    expect(next).toMatchObject({ verdict: "BLOCK", cause: { kind: "HITL_PENDING" } });
    expect(next).not.toMatchObject({ cause: { approvalId } });
  });

  it("is not given what it would have to redact", async () => {
    const result = "write to ada@example.com";
    expect(await evaluate("legacy-4", { phase: "tool.after", tool: { name: "lookup" }, result })).toMatchObject({
      verdict: "BLOCK",
      control: "CONTINUE",
      cause: { kind: "RULE_VIOLATION", ruleId: "mail" },
      finalRuleId: "mail",
    });
  });

  it("gets no cause that it does not know", () => {
    const decision: Decision = {
      verdict: "BLOCK",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      message: "m",
      evaluatedRules: [],
    };
    const causes = (
      [
        { kind: "BUDGET_EXHAUSTED", ruleId: "r", policyId: "p" },
        { kind: "UNAVAILABLE", code: "HB_READING_UNAVAILABLE" },
        { kind: "HITL_DENIED", approvalId: "a" },
        { kind: "HITL_PENDING", ruleId: "r" },
        { kind: "RUN_ENDED" },
      ] as const
    ).map((cause) => legacyDecisionOf({ ...decision, cause }).cause);
    expect(causes).toEqual([
      { kind: "RULE_VIOLATION", ruleId: "r" },
      { kind: "RULE_VIOLATION", ruleId: "handlebar" },
      { kind: "RULE_VIOLATION", ruleId: "handlebar" },
      { kind: "RULE_VIOLATION", ruleId: "r" },
      { kind: "LOCKDOWN" },
    ]);
    const approved = { ...decision, verdict: "ALLOW", cause: { kind: "HITL_APPROVED", approvalId: "a" } } as const;
    expect(legacyDecisionOf(approved).cause).toEqual({ kind: "ALLOW" });
  });

  it("has its events stored once, whatever the number of times that it sends them", async () => {
    const envelope = { schema: "handlebar.audit.v1", runId: "legacy-5", sessionId: "s5", actorExternalId: "u5" };
    const at = (ms: number): string => new Date(Date.now() - 5_000 + ms).toISOString();
    const tool = { name: "refund", categories: ["money"] };
    const events = [
      { ...envelope, ts: at(0), kind: "run.started", data: { agent: { id: agentId }, adapter: { name: "js" } } },
      {
        ...envelope,
        ts: at(1),
        stepIndex: 0,
        kind: "tool.decision",
        data: {
          verdict: "BLOCK",
          control: "CONTINUE",
          cause: { kind: "RULE_VIOLATION", ruleId: "big" },
          message: "no",
          evaluatedRules: [{ ruleId: "big", enabled: true, matched: true, violated: true }],
          finalRuleId: "big",
          tool,
          args: { amount: 900 },
        },
      },
      {
        ...envelope,
        ts: at(2),
        kind: "tool.result",
        data: { tool, outcome: "error", durationMs: 3, error: { message: "x" } },
      },
      {
        ...envelope,
        ts: at(2),
        kind: "tool.result",
        data: { tool, outcome: "error", durationMs: 3, error: { message: "x" } },
      },
      {
        ...envelope,
        ts: at(3),
        kind: "message.raw.created",
        data: { messageId: "m1", role: "developer", kind: "input", content: "hi", contentTruncated: false },
      },
      {
        ...envelope,
        ts: at(4),
        kind: "llm.result",
        data: { model: { name: "m" }, tokens: { in: 3, out: 4 }, messageCount: 1 },
      },
      { ...envelope, ts: at(5), kind: "error", data: { scope: "sdk", message: "oops", fatal: false } },
      { ...envelope, ts: at(6), kind: "run.ended", data: { status: "success", totalSteps: 1 } },
    ];
    const bad = { ...envelope, ts: at(7), kind: "no.such", data: {} };
    const first = await post("/v1/runs/events", { agentId, events: [...events, bad] });
    expect(first.body).toMatchObject({ accepted: 8, results: [{ status: "rejected", code: "HB_EVENT_INVALID" }] });
    const again = await post("/v1/runs/events", { agentId, events });
    expect(again.body).toMatchObject({ accepted: 0 });
    const { run, gaps } = runAnswerSchema.parse((await server.call("GET", "/v1/runs/legacy-5")).body);
    expect(run).toMatchObject({ agent: "old", status: "success", eventCount: 8, decisionCount: 1, blockCount: 1 });
    expect(gaps).toEqual([]);
    const stored = eventListSchema.parse((await server.call("GET", "/v1/events?run=legacy-5")).body).events;
    expect(stored.map(({ kind, seq, agentId: agent }) => [kind, seq, agent]).reverse()).toEqual(
      [...events].map(({ kind }) => [kind, -1, "old"]),
    );
    expect(stored.find(({ kind }) => kind === "tool.decision")?.data).toMatchObject({
      tool: { name: "refund", tags: ["money"] },
      cause: { kind: "RULE_VIOLATION", ruleId: "big", policyId: "unknown" },
    });
    const broken = runListSchema.parse((await server.call("GET", "/v1/runs?gap=true")).body).runs;
    expect(broken.map(({ runId }) => runId)).not.toContain("legacy-5");
  });
});
