import {
  type Approval,
  type ApprovalRequest,
  approvalAnswerBodySchema,
  approvalListSchema,
  auditListSchema,
} from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestAnswer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;
let count = 0;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

/** A request of a run of its own. */
function request(more: Partial<ApprovalRequest> = {}): ApprovalRequest {
  count += 1;
  return {
    approvalId: `approval-${count}`,
    fingerprint: count.toString(16).padStart(64, "0"),
    agent: "support",
    runId: `run-${count}`,
    callId: "call",
    tool: "refund",
    args: { amount: 900 },
    ruleId: "big",
    policyId: "refunds",
    ...more,
  };
}

const claim = (body: ApprovalRequest): Promise<TestAnswer> =>
  server.call("POST", "/v1/approvals", { key: server.keys.agent, body });

const resolve = (approvalId: string, body: object): Promise<TestAnswer> =>
  server.call("POST", `/v1/approvals/${approvalId}/resolve`, { body });

function approvalIn({ status, body }: TestAnswer): Approval {
  expect(status).toBe(200);
  return approvalAnswerBodySchema.parse(body).approval;
}

describe("approvals", () => {
  it("are opened once, answered once, and handed out once", async () => {
    const asked = request();
    const opened = approvalIn(await claim(asked));
    expect(opened).toMatchObject({ ...asked, status: "pending" });
    expect(Date.parse(opened.expiresAt) - Date.parse(opened.requestedAt)).toBe(3_600_000);
    expect(approvalIn(await claim(asked))).toEqual(opened);
    // Another request for the same call finds the one that stands, whichever run asks.
    expect(approvalIn(await claim({ ...asked, approvalId: "other-id" }))).toEqual(opened);
    expect(approvalIn(await claim({ ...asked, approvalId: "of-other-run", runId: "other-run" }))).toEqual(opened);
    expect(
      approvalIn(await resolve(asked.approvalId, { status: "approved", by: "ada", comment: "fine" })),
    ).toMatchObject({
      status: "approved",
      by: "ada",
      comment: "fine",
    });
    const again = await resolve(asked.approvalId, { status: "denied" });
    expect([again.status, again.body]).toMatchObject([409, { code: "HB_CONFLICT" }]);
    const taken = approvalIn(await claim(asked));
    expect([taken.status, taken.usedAt]).toEqual(["approved", expect.any(String)]);
    expect(taken.usedBy).toEqual({ runId: asked.runId, callId: asked.callId });
    expect(approvalIn(await claim(asked))).toEqual(taken);
    const fresh = approvalIn(await claim({ ...asked, approvalId: "a-second-use" }));
    expect(fresh).toMatchObject({ approvalId: "a-second-use", status: "pending" });
  });

  it("are not of another call", async () => {
    const asked = request();
    await claim(asked);
    await resolve(asked.approvalId, { status: "approved", by: "ada" });
    const changed = await claim({ ...asked, fingerprint: "f".repeat(64) });
    expect([changed.status, changed.body]).toMatchObject([409, { code: "HB_CONFLICT", field: "approvalId" }]);
  });

  it("outlive their run, and answer the same call of another one", async () => {
    const asked = request();
    await claim(asked);
    await server.call("PUT", "/v1/agents", { key: server.keys.agent, body: { slug: "support" } });
    const end = { key: server.keys.agent, body: { agentId: "support", status: "success" } };
    expect((await server.call("POST", `/v1/runs/${asked.runId}/end`, end)).status).toBe(200);
    expect(approvalIn(await resolve(asked.approvalId, { status: "approved", by: "ada" })).status).toBe("approved");
    const later = { ...asked, approvalId: "later", runId: "later-run", callId: "later-call" };
    expect(approvalIn(await claim(later))).toMatchObject({
      approvalId: asked.approvalId,
      status: "approved",
      runId: asked.runId,
      usedBy: { runId: "later-run", callId: "later-call" },
    });
    const audit = await server.call("GET", `/v1/audit?action=approval.used&ref=${asked.approvalId}`);
    expect(auditListSchema.parse(audit.body).entries.map(({ detail }) => detail)).toEqual([
      { requestId: "later", runId: "later-run", callId: "later-call" },
    ]);
    expect(approvalIn(await claim({ ...later, approvalId: "third", runId: "third-run" })).status).toBe("pending");
  });

  it("are taken by one of many who ask at once", async () => {
    const asked = request();
    await claim(asked);
    await resolve(asked.approvalId, { status: "approved", by: "ada" });
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        claim({ ...asked, approvalId: `${asked.approvalId}-${at}`, runId: `run-${at % 3}` }),
      ),
    );
    const approved = claims.map(approvalIn).filter(({ status }) => status === "approved");
    expect(approved.length).toBe(1);
  });

  it("are answered by whom their terms name", async () => {
    const actor = { externalId: "eve" };
    const terms = { approvers: ["ada", "bob", "eve"], approvalsNeeded: 2, notRequester: true };
    const asked = request({ actor, terms });
    await claim(asked);
    for (const by of [undefined, "mallory", "eve"]) {
      const answer = await resolve(asked.approvalId, { status: "approved", by });
      expect([answer.status, answer.body]).toMatchObject([403, { code: "HB_APPROVAL_TERMS", field: "by" }]);
    }
    expect(approvalIn(await resolve(asked.approvalId, { status: "approved", by: "ada" })).status).toBe("pending");
    expect(approvalIn(await resolve(asked.approvalId, { status: "approved", by: "ada" })).status).toBe("pending");
    const done = approvalIn(await resolve(asked.approvalId, { status: "approved", by: "bob" }));
    expect([done.status, done.by]).toEqual(["approved", "ada, bob"]);
  });

  it("need one denial alone", async () => {
    const asked = request({ terms: { approvalsNeeded: 3 } });
    await claim(asked);
    await resolve(asked.approvalId, { status: "approved", by: "ada" });
    expect(approvalIn(await resolve(asked.approvalId, { status: "denied", by: "bob" }))).toMatchObject({
      status: "denied",
      by: "bob",
    });
  });

  it("expire", async () => {
    const asked = request({ terms: { expiresInSeconds: 0.01 } });
    const opened = approvalIn(await claim(asked));
    const waited = await server.call("GET", `/v1/approvals/${asked.approvalId}?wait=5`, { key: server.keys.agent });
    expect(approvalIn(waited)).toEqual({ ...opened, status: "expired", resolvedAt: opened.expiresAt });
    const late = await resolve(asked.approvalId, { status: "approved" });
    expect([late.status, late.body]).toMatchObject([409, { code: "HB_CONFLICT" }]);
    await server.services.approvals.expireDue();
    const listed = await server.call("GET", `/v1/approvals?run=${asked.runId}&status=expired`);
    expect(approvalListSchema.parse(listed.body).approvals.map(({ approvalId }) => approvalId)).toEqual([
      asked.approvalId,
    ]);
    expect(approvalIn(await claim({ ...asked, approvalId: "asked-again" })).status).toBe("pending");
  });

  it("are waited for", async () => {
    const asked = request();
    const path = `/v1/approvals/${asked.approvalId}?wait=30`;
    await claim(asked);
    const waits = [1, 2, 3].map(() => server.call("GET", path, { key: server.keys.agent }));
    await expect.poll(() => server.services.approvals.waitingCount).toBeGreaterThan(0);
    await resolve(asked.approvalId, { status: "approved", by: "ada" });
    const answers = await Promise.all(waits);
    expect(answers.map((answer) => approvalIn(answer).status)).toEqual(["approved", "approved", "approved"]);
    await expect.poll(() => server.services.approvals.waitingCount).toBe(0);
  });

  it("are listed newest first, page by page", async () => {
    const all = [request({ agent: "lister" }), request({ agent: "lister" }), request({ agent: "lister" })];
    for (const one of all) await claim(one);
    const first = approvalListSchema.parse((await server.call("GET", "/v1/approvals?agent=lister&limit=2")).body);
    const cursor = encodeURIComponent(first.nextCursor ?? "");
    const rest = await server.call("GET", `/v1/approvals?agent=lister&limit=2&cursor=${cursor}`);
    const ids = [...first.approvals, ...approvalListSchema.parse(rest.body).approvals].map(
      ({ approvalId }) => approvalId,
    );
    expect(ids).toEqual(all.map(({ approvalId }) => approvalId).reverse());
  });

  it("belong to their workspace", async () => {
    const asked = request();
    await claim(asked);
    const key = await server.keyFor(["admin"], "other");
    for (const [method, path] of [
      ["GET", `/v1/approvals/${asked.approvalId}`],
      ["POST", `/v1/approvals/${asked.approvalId}/resolve`],
    ] as const) {
      const body = method === "POST" ? { status: "approved" } : undefined;
      const answer = await server.call(method, path, { key, body });
      expect([answer.status, answer.body]).toMatchObject([404, { code: "HB_NOT_FOUND" }]);
    }
  });

  it("are not resolved with an agent's key", async () => {
    const asked = request();
    await claim(asked);
    const body = { status: "approved", by: "ada" };
    const path = `/v1/approvals/${asked.approvalId}/resolve`;
    const answer = await server.call("POST", path, { key: server.keys.agent, body });
    expect([answer.status, answer.body]).toMatchObject([403, { code: "HB_KEY_SCOPE" }]);
  });
});
