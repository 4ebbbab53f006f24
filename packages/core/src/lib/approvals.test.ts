import type { ApprovalRequest, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import type { ApprovalHandler } from "./approvals.ts";
import { openRecorded } from "./client.test-support.ts";

const HELD: Policy = {
  name: "held",
  rules: [
    {
      name: "ask",
      on: "tool.before",
      tool: { name: "wire" },
      effect: { type: "hitl", reason: "money leaves", approval: { expiresInSeconds: 60 } },
    },
  ],
};

function setUp(onApproval?: ApprovalHandler, approvalWaitMs = 60_000) {
  return openRecorded({
    agent: { slug: "bank" },
    policies: [HELD],
    approvalWaitMs,
    ...(onApproval === undefined ? {} : { onApproval }),
  });
}

const call = { name: "wire", args: { to: "A", amount: 5 } };

describe("a held call", () => {
  it("is blocked for good when nobody can be asked", async () => {
    const decision = await setUp().hb.startRun().beforeTool(call);
    expect(decision).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "UNAVAILABLE", code: "HB_APPROVAL_UNAVAILABLE" },
    });
  });

  it("is pending at once when the caller does not wait, and goes through when asked again after the answer", async () => {
    let answer: (status: "approved" | "denied") => void = () => undefined;
    const answered = new Promise<"approved" | "denied">((resolve) => {
      answer = resolve;
    });
    const { hb } = setUp(async () => ({ status: await answered, by: "ada" }), 0);
    const run = hb.startRun();
    const first = await run.beforeTool(call);
    expect(first).toMatchObject({ verdict: "BLOCK", control: "CONTINUE", cause: { kind: "HITL_PENDING" } });
    const again = await run.beforeTool(call);
    expect(again.cause).toEqual(first.cause);
    answer("approved");
    await answered;
    await new Promise((resolve) => setImmediate(resolve));
    expect((await run.beforeTool(call)).cause).toMatchObject({ kind: "HITL_APPROVED", by: "ada" });
  });

  it("[SPEC 10.5] is answered for exactly its arguments, tool, actor, once, whichever run asks", async () => {
    const asked: ApprovalRequest[] = [];
    const { hb } = setUp((request) => {
      asked.push(request);
      return { status: "approved" };
    });
    const run = hb.startRun({ actor: { externalId: "u1" } });
    await run.beforeTool(call);
    await hb.startRun({ actor: { externalId: "u1" } }).beforeTool({ ...call, args: { amount: 5, to: "A" } });
    await run.beforeTool({ ...call, args: { to: "A", amount: 6 } });
    await hb.startRun({ actor: { externalId: "u2" } }).beforeTool(call);
    expect(asked.length).toBe(4);
    expect(asked[0]?.fingerprint).toBe(asked[1]?.fingerprint);
    expect(new Set(asked.map((request) => request.fingerprint)).size).toBe(3);
  });

  it("is answered after its run has ended, and the answer is that of the next run that makes it", async () => {
    let answer: (status: "approved") => void = () => undefined;
    const asked: ApprovalRequest[] = [];
    const { hb } = setUp(async (request) => {
      asked.push(request);
      return { status: await new Promise<"approved">((resolve) => (answer = resolve)) };
    }, 0);
    const first = hb.startRun();
    const held = await first.beforeTool(call);
    await first.end();
    expect((await hb.startRun().beforeTool(call)).cause).toEqual(held.cause);
    answer("approved");
    await new Promise((resolve) => setImmediate(resolve));
    const later = hb.startRun();
    expect((await later.beforeTool(call)).cause.kind).toBe("HITL_APPROVED");
    expect((await later.beforeTool(call)).cause.kind).toBe("HITL_PENDING");
    expect(asked.map(({ runId }) => runId)).toEqual([first.runId, later.runId]);
  });

  it("stays denied when the model tries again, until the request's time is over", async () => {
    let count = 0;
    let nowMs = Date.now();
    const { hb } = openRecorded({
      agent: { slug: "bank" },
      policies: [HELD],
      approvalWaitMs: 60_000,
      runtime: { env: () => undefined, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } },
      onApproval: () => {
        count += 1;
        return { status: "denied", by: "ada", comment: "not today" };
      },
    });
    for (const run of [hb.startRun(), hb.startRun()]) {
      expect((await run.beforeTool(call)).cause).toMatchObject({ kind: "HITL_DENIED", by: "ada" });
      expect((await run.beforeTool(call)).cause).toMatchObject({ kind: "HITL_DENIED", by: "ada" });
    }
    expect(count).toBe(1);
    nowMs += 60_000;
    expect((await hb.startRun().beforeTool(call)).cause.kind).toBe("HITL_DENIED");
    expect(count).toBe(2);
  });

  it("is brought before the handler again after it failed", async () => {
    let count = 0;
    const { hb } = setUp(() => {
      count += 1;
      if (count === 1) throw new Error("out of reach");
      return { status: "approved" };
    });
    const run = hb.startRun();
    expect((await run.beforeTool(call)).cause.kind).toBe("HITL_PENDING");
    expect((await run.beforeTool(call)).cause.kind).toBe("HITL_APPROVED");
    expect(count).toBe(2);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no"))],
    ["answers with nonsense", () => ({ status: "maybe" }) as never],
  ])("is not let through by a handler that %s", async (_what, handler) => {
    const decision = await setUp(handler).hb.startRun().beforeTool(call);
    expect(decision).toMatchObject({ verdict: "BLOCK", cause: { kind: "HITL_PENDING" } });
  });

  it("cannot be bound to arguments that have no faithful form", async () => {
    const { hb } = setUp(() => ({ status: "approved" }));
    const circular: Record<string, unknown> = { to: "A" };
    circular["self"] = circular;
    const run = hb.startRun();
    expect((await run.beforeTool({ name: "wire", args: circular })).cause).toMatchObject({
      code: "HB_APPROVAL_UNAVAILABLE",
    });
    expect((await run.beforeTool({ name: "wire", args: { amount: 10n } })).verdict).toBe("BLOCK");
  });

  it("records who was asked and who answered", async () => {
    const { hb, events } = setUp(() => ({ status: "approved", by: "ada", comment: "fine" }));
    await hb.startRun().beforeTool(call);
    expect(events.filter((event) => event.kind.startsWith("approval")).map((event) => event.data)).toMatchObject([
      { approval: { tool: "wire", args: { to: "A", amount: 5 }, reason: "money leaves", ruleId: "held/ask" } },
      { status: "approved", by: "ada", comment: "fine" },
    ]);
  });

  it("is denied, and says what would be allowed, when a person approves other arguments; these go through once", async () => {
    const asked: ApprovalRequest[] = [];
    const edited = { to: "A", amount: 3 };
    const { hb, events } = setUp((request) => {
      asked.push(request);
      return asked.length === 1 ? { status: "approved", by: "ada", args: edited } : { status: "denied" };
    });
    const run = hb.startRun();
    const first = await run.beforeTool(call);
    expect(first.cause).toMatchObject({ kind: "HITL_DENIED", by: "ada", instead: edited });
    expect(first.message).toContain('it would be allowed once with the arguments {"amount":3,"to":"A"}');
    expect((await run.beforeTool({ ...call, args: edited })).cause.kind).toBe("HITL_APPROVED");
    expect((await run.beforeTool({ ...call, args: edited })).cause.kind).toBe("HITL_DENIED");
    expect((await run.beforeTool(call)).cause).toMatchObject({ kind: "HITL_DENIED", instead: edited });
    expect(asked.length).toBe(2);
    expect(events.find(({ kind }) => kind === "tool.decision")?.data).toMatchObject({ cause: { instead: edited } });
  });

  it("keeps edited arguments out of events where arguments are not captured", async () => {
    const { hb, events } = openRecorded({
      agent: { slug: "bank" },
      policies: [HELD],
      approvalWaitMs: 60_000,
      capture: { args: "none" },
      onApproval: () => ({ status: "approved", args: { to: "a-secret-place" } }),
    });
    const decision = await hb.startRun().beforeTool(call);
    expect(decision.message).toContain("a-secret-place");
    expect(JSON.stringify(events)).not.toContain("a-secret-place");
  });
});
