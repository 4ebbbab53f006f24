import { type BudgetKey, budgetAnswerSchema, type Lease, type LeaseOperation } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.call("PUT", "/v1/agents", { body: { slug: "support" } });
  const window = { scope: "agent", windowSeconds: 3_600 };
  const rules = [
    { id: "calls", when: { kind: "maxCalls", max: 10, ...window } },
    { id: "money", when: { kind: "metricWindow", metric: "cost", aggregate: "sum", op: "gte", value: 5, ...window } },
    { id: "mean", when: { kind: "metricWindow", metric: "cost", aggregate: "avg", op: "gt", value: 5, ...window } },
  ].map((rule) => ({ name: rule.id, on: "tool.before", effect: { type: "block" }, ...rule }));
  const answer = await server.call("PUT", "/v1/policies", { body: { policies: [{ id: "p", name: "p", rules }] } });
  expect(answer.status).toBe(200);
});

afterAll(() => server.stop());

const keyOf = (ruleId: string, more: Partial<BudgetKey> = {}): BudgetKey => ({
  policyId: "p",
  ruleId,
  index: 0,
  scope: "agent",
  scopeId: "support",
  ...more,
});

async function apply(clientId: string, operations: readonly LeaseOperation[]): Promise<readonly Lease[]> {
  const path = "/v1/agents/support/metrics/budget";
  const answer = await server.call("POST", path, { key: server.keys.agent, body: { clientId, operations } });
  expect(answer.status).toBe(200);
  return budgetAnswerSchema.parse(answer.body).leases;
}

describe("POST /v1/agents/{agentId}/metrics/budget", () => {
  it("grants no more than there is, to however many clients at once", async () => {
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        apply(`c${at}`, [{ op: "request", leaseId: `l${at}`, key: keyOf("calls"), amount: 4 }]),
      ),
    );
    expect(asked.flat().reduce((sum, { granted }) => sum + granted, 0)).toBe(10);
    const [again] = await apply("c0", [{ op: "request", leaseId: "l0", key: keyOf("calls"), amount: 4 }]);
    expect(again?.granted).toBe(asked[0]?.[0]?.granted);
    const given = asked.flat().find(({ granted }) => granted === 4);
    await apply("c", [{ op: "return", leaseId: given?.leaseId ?? "", key: keyOf("calls"), spent: 1 }]);
    const [more] = await apply("c9", [{ op: "request", leaseId: "l9", key: keyOf("calls"), amount: 100 }]);
    expect(more).toMatchObject({ granted: 3, remaining: 0 });
  });

  it("leases a sum in parts, and says when a spent budget has room again", async () => {
    const key = keyOf("money");
    const [lease] = await apply("c1", [{ op: "request", leaseId: "m1", key, amount: 1.5 }]);
    expect(lease).toMatchObject({ leaseId: "m1", key, granted: 1.5, remaining: expect.closeTo(3.5, 10) });
    const [renewed] = await apply("c1", [{ op: "renew", leaseId: "m1", key, spent: 1.25, amount: 10 }]);
    expect(renewed).toMatchObject({ granted: expect.closeTo(5, 10), remaining: 0 });
    const [none] = await apply("c2", [{ op: "request", leaseId: "m2", key, amount: 1 }]);
    expect(none).toMatchObject({ granted: 0, remaining: 0, resetAt: expect.any(Number) });
  });

  it.each([
    ["a rule that is not there", keyOf("none")],
    ["an average", keyOf("mean")],
    ["another scope than the rule's", keyOf("calls", { scope: "workspace", scopeId: "" })],
    ["a window that the rule does not have", keyOf("calls", { index: 1 })],
  ])("grants nothing of %s", async (_name, key) => {
    const [lease] = await apply("c", [{ op: "request", leaseId: "x", key, amount: 1 }]);
    expect(lease).toEqual({ leaseId: "x", key, granted: 0, ttlMs: expect.any(Number), remaining: 0 });
  });

  it("answers each operation in order", async () => {
    const key = keyOf("calls", { scopeId: "someone" });
    const leases = await apply("c", [
      { op: "request", leaseId: "a", key: keyOf("none"), amount: 1 },
      { op: "request", leaseId: "b", key, amount: 6 },
      { op: "request", leaseId: "d", key, amount: 6 },
    ]);
    expect(leases.map(({ leaseId, granted }) => [leaseId, granted])).toEqual([
      ["a", 0],
      ["b", 6],
      ["d", 4],
    ]);
  });

  it("does not know agents of another workspace", async () => {
    const key = await server.keyFor(["check"], "other");
    const operations = [{ op: "request", leaseId: "a", key: keyOf("calls"), amount: 1 }];
    const answer = await server.call("POST", "/v1/agents/support/metrics/budget", {
      key,
      body: { clientId: "c", operations },
    });
    expect([answer.status, answer.body]).toMatchObject([404, { code: "HB_NOT_FOUND" }]);
  });
});
