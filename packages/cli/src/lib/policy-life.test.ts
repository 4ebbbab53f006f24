import { Handlebar, type HandlebarClient } from "@handlebar/core";
import { type Policy, policyVersionsSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { POLICY, sandbox } from "./sandbox.fixture.ts";

const POLL = { timeout: 20_000 };
const CALL = { name: "refund", args: { amount: 900 } };

let plane: TestControlPlane;
const clients: HandlebarClient[] = [];
beforeEach(async () => {
  plane = await startControlPlane();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((hb) => hb.shutdown()));
  await plane.stop();
});

async function client(policies: readonly Policy[] = []): Promise<HandlebarClient> {
  const hb = Handlebar.init({
    agent: { slug: "support" },
    tools: [{ name: "refund" }],
    policies,
    apiKey: plane.agentKey,
    endpoint: plane.origin,
    logger: { warn: () => undefined, error: () => undefined },
  });
  clients.push(hb);
  await hb.ready();
  return hb;
}

const run = (folder: string, ...args: readonly string[]) => plane.handlebar(folder, "policies", ...args);

async function shadowOf(version: number) {
  const { versions } = policyVersionsSchema.parse(await plane.call("GET", "/v1/policies/refunds/versions"));
  return versions.find((one) => one.version === version)?.shadow;
}

describe("the life of a policy", () => {
  it("goes from shadow to enforcement and back, at an agent that runs", async () => {
    const folder = sandbox({ "refunds.yaml": POLICY });
    const hb = await client();
    const agentRun = hb.startRun();
    const has = async (revision: number) =>
      expect.poll(() => hb.status.revision, POLL).toBeGreaterThanOrEqual(revision);
    const revisionNow = async () => JSON.parse((await run(folder, "status", "--json")).out).revision;

    const pushed = await run(folder, "push", "refunds.yaml", "--stage", "shadow", "--comment", "try it");
    expect([pushed.code, pushed.out]).toEqual([0, "+ refunds: created (version 1)\n"]);
    await has(await revisionNow());
    expect((await agentRun.beforeTool(CALL)).verdict).toBe("ALLOW");
    expect((await agentRun.beforeTool({ ...CALL, args: { amount: 5 } })).verdict).toBe("ALLOW");
    await expect
      .poll(() => shadowOf(1), POLL)
      .toMatchObject({ decisionCount: 2, blockCount: 1, holdCount: 0, redactCount: 0 });
    const tried = await run(folder, "status");
    expect(tried.out).toMatch(/refunds +v1 +shadow +1 +0 +0 +2\n/);
    expect(tried.out).toContain("in force at 1 of 1 client\n");
    const diff = await run(folder, "diff", "refunds.yaml", "--stage", "shadow");
    expect([diff.code, diff.err]).toEqual([0, "no difference\n"]);

    const stale = await run(folder, "promote", "refunds", "--expect", "2");
    expect([stale.code, stale.err]).toEqual([2, expect.stringContaining("HB_CONFLICT")]);
    const promoted = await run(folder, "promote", "refunds", "--comment", "one in two is right");
    expect([promoted.code, promoted.out]).toEqual([0, "~ refunds: updated (version 2)\n"]);
    expect(promoted.err).toContain("it would have blocked 1, held 0 and redacted 0 of 2 decisions\n");
    await has(await revisionNow());
    expect((await agentRun.beforeTool(CALL)).cause).toMatchObject({ kind: "RULE_VIOLATION", policyId: "refunds" });

    const back = await run(folder, "rollback", "refunds", "--comment", "not yet");
    expect([back.code, back.out]).toEqual([0, "~ refunds: updated (version 3)\n"]);
    await has(await revisionNow());
    expect((await agentRun.beforeTool(CALL)).verdict).toBe("ALLOW");
    const history = await run(folder, "status", "refunds");
    expect(history.out).toMatch(/v3 +shadow +back to v1 +\S+.*not yet\n/);
    expect(history.out).toMatch(/v2 +enforce +promoted v1 +.*one in two is right\n/);
    expect(history.out).toMatch(/v1 +shadow +saved +.*try it\n/);
    // What was decided while version 2 enforced counts for no version in shadow.
    await expect.poll(() => shadowOf(3), POLL).toMatchObject({ decisionCount: 1, blockCount: 1 });
    expect([(await shadowOf(1))?.decisionCount, await shadowOf(2)]).toEqual([2, undefined]);
    expect((await run(folder, "rollback", "refunds", "--to", "2")).code).toBe(0);
    await has(await revisionNow());
    expect((await agentRun.beforeTool(CALL)).verdict).toBe("BLOCK");
  });

  it("is refused whole by a client that cannot take a revision, which keeps the last good one and is shown", async () => {
    const folder = sandbox({ "refunds.yaml": POLICY, "flow.yaml": withLabels("flow", "b") });
    // What is fine alone is too much together with what this agent brings itself.
    const hb = await client([{ id: "own", name: "own", ...labels("a"), rules: [] }]);
    await run(folder, "push", "refunds.yaml");
    await expect.poll(() => hb.status.policies.length, POLL).toBe(2);
    const good = hb.status.revision;

    const pushed = await run(folder, "push", "flow.yaml", "--stage", "shadow");
    expect([pushed.code, pushed.out]).toEqual([0, expect.stringContaining("+ flow: created (version 1)\n")]);
    await expect
      .poll(async () => (await run(folder, "status")).out, POLL)
      .toMatch(/in force at 0 of 1 client, 1 refused it\n/);
    const status = await run(folder, "status", "flow");
    expect(status.out).toMatch(/support +revision \d+ +\S+ +refused: HB_POLICY_LIMIT: .*more than 31 labels/);
    expect(hb.status.revision).toBe(good);
    expect((await hb.startRun().beforeTool(CALL)).cause).toMatchObject({ policyId: "refunds" });

    await run(folder, "push", "refunds.yaml", "--prune");
    await expect.poll(async () => (await run(folder, "status")).out, POLL).toContain("in force at 1 of 1 client\n");
    expect(hb.status.revision).toBeGreaterThan(good ?? 0);
  });

  it("says what it takes", async () => {
    const folder = sandbox({ "refunds.yaml": POLICY });
    expect((await run(folder, "status")).out).toBe("no client is running\n");
    expect((await run(folder, "push", "refunds.yaml", "--stage", "beta")).err).toContain("`--stage beta` is no stage");
    expect((await run(folder, "promote")).err).toContain("name one policy by its id");
    expect((await run(folder, "promote", "refunds")).err).toContain("HB_NOT_FOUND");
    expect((await run(folder, "rollback", "refunds", "--to", "0")).err).toContain("`--to 0` is no version");
    expect((await run(folder, "status", "refunds")).err).toContain("HB_NOT_FOUND");
    await run(folder, "push", "refunds.yaml");
    const enforced = await run(folder, "promote", "refunds");
    expect([enforced.code, enforced.err]).toEqual([2, expect.stringContaining("not in shadow")]);
    expect((await run(folder, "rollback", "refunds")).err).toContain("has no earlier version");
  });
});

const names = (prefix: string) => Array.from({ length: 20 }, (_, at) => `${prefix}${at}`);

function labels(prefix: string): Pick<Policy, "flow"> {
  return { flow: { labels: names(prefix), sources: [{ add: names(prefix) }] } };
}

function withLabels(name: string, prefix: string): string {
  return JSON.stringify({ name, ...labels(prefix), rules: [] });
}
