import { Handlebar, type HandlebarClient } from "@handlebar/core";
import { httpSink } from "@handlebar/core/sinks";
import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createScriptedControlPlane, type ScriptedControlPlane } from "./scripted-control-plane.ts";
import { createSimRuntime, type SimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";

const policy = (name: string, rule: Omit<Policy["rules"][number], "name" | "on">): Policy => ({
  name,
  rules: [{ name, on: "tool.before", ...rule }],
});
const BLOCK_SEND = policy("no send", { tool: { name: "send" }, effect: { type: "block" } });

function world(policies: readonly Policy[] = []): {
  sim: SimRuntime;
  plane: ScriptedControlPlane;
  client: (seed: string) => HandlebarClient;
} {
  const sim = createSimRuntime("link");
  const plane = createScriptedControlPlane(sim.runtime, { policies });
  sim.network.serve(API, plane.handler);
  const client = (seed: string): HandlebarClient => {
    const { runtime } = createSimRuntime(seed, { clock: sim.clock, network: sim.network });
    // Compression takes real time, on a thread that the fake clock cannot see.
    const sinks = [httpSink({ endpoint: API, apiKey: "hb_key", runtime, compress: false })];
    return Handlebar.init({ agent: { slug: "support" }, apiKey: "hb_key", endpoint: API, runtime, sinks });
  };
  return { sim, plane, client };
}

describe("a client and a scripted control plane", () => {
  it("[SPEC 10.1] [SPEC 10.3] applies policies at once and acknowledges them", async () => {
    const { sim, plane, client } = world();
    const hb = client("a");
    const run = hb.startRun();
    expect((await sim.clock.runUntil(run.beforeTool({ name: "send", args: {} }))).verdict).toBe("ALLOW");
    await sim.clock.advance(100);
    plane.setPolicies([BLOCK_SEND]);
    await sim.clock.advance(50);
    expect((await sim.clock.runUntil(run.beforeTool({ name: "send", args: {} }))).verdict).toBe("BLOCK");
    expect(plane.acks().at(-1)).toMatchObject({ slug: "support", revision: 2, lockdownIds: [] });
    await sim.clock.runUntil(hb.shutdown());
  });

  it("[SPEC 8.6] records with each decision by which revision it was made, once there is one", async () => {
    const { sim, plane, client } = world([policy("seen", { tool: { name: "send" }, effect: { type: "allow" } })]);
    const hb = client("a");
    const run = hb.startRun();
    const before = await sim.clock.runUntil(run.beforeTool({ name: "send", args: {} }));
    plane.setPolicies([BLOCK_SEND]);
    await sim.clock.advance(50);
    // Decided by the second revision, finished under the third.
    const blocked = await sim.clock.runUntil(run.beforeTool({ name: "send", args: {} }));
    plane.setPolicies([{ ...BLOCK_SEND, rules: [{ name: "r", on: "tool.after", effect: { type: "allow" } }] }]);
    await sim.clock.advance(50);
    await sim.clock.runUntil(run.afterTool(before, { result: "ok" }));
    await sim.clock.runUntil(run.beforeLlm({ messages: [] }));
    await sim.clock.runUntil(hb.shutdown());
    const decided = plane.events().flatMap(({ kind, data }) => ("revision" in data ? [[kind, data.revision]] : []));
    expect([before.verdict, blocked.verdict]).toEqual(["ALLOW", "BLOCK"]);
    expect(decided).toEqual([
      ["policy.applied", 1],
      ["tool.decision", 1],
      ["policy.applied", 2],
      ["tool.decision", 2],
      ["policy.applied", 3],
      ["tool.result", 3],
      ["llm.decision", 3],
    ]);
  });

  it("[SPEC 10.2] ends runs that a lockdown covers, and keeps it while the link is lost", async () => {
    const { sim, plane, client } = world();
    const hb = client("a");
    const run = hb.startRun({ actor: { externalId: "u_1" } });
    await sim.clock.runUntil(run.beforeTool({ name: "read", args: {} }));
    await sim.clock.advance(100);
    const { lockdownId } = plane.addLockdown({ scope: { kind: "actor", externalId: "u_1" } });
    await sim.clock.advance(50);
    expect([run.terminated, run.signal.aborted]).toEqual([true, true]);
    expect(plane.acks().at(-1)).toMatchObject({ lockdownIds: [lockdownId] });
    sim.network.remove(API);
    sim.network.cutStreams();
    await sim.clock.advance(120_000);
    const late = hb.startRun({ actor: { externalId: "u_1" } });
    expect((await sim.clock.runUntil(late.beforeTool({ name: "read", args: {} }))).cause).toEqual({
      kind: "LOCKDOWN",
      lockdownId,
    });
    await sim.clock.runUntil(hb.shutdown());
  });

  it("holds a call until a person answers", async () => {
    const { sim, plane, client } = world([policy("held", { effect: { type: "hitl" } })]);
    const hb = client("a");
    const call = hb.startRun().beforeTool({ name: "refund", args: { amount: 9 }, approvalWaitMs: 60_000 });
    await sim.clock.runUntil(() => plane.approvals().length === 1);
    await sim.clock.advance(5_000);
    plane.resolveApproval(plane.approvals()[0]?.approvalId ?? "", { status: "approved", by: "boss" });
    const decision = await sim.clock.runUntil(call);
    expect([decision.verdict, decision.cause.kind]).toEqual(["ALLOW", "HITL_APPROVED"]);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("[SPEC 10.4] shares a budget between clients without overshooting it", async () => {
    const cap = policy("cap", {
      when: { kind: "maxCalls", scope: "agent", max: 25, windowSeconds: 3_600 },
      effect: { type: "block" },
    });
    const { sim, plane, client } = world([cap]);
    const clients = [client("a"), client("b"), client("c")];
    const runs = clients.map((hb) => hb.startRun());
    let allowedCount = 0;
    for (let round = 0; round < 20; round++) {
      const decisions = runs.map((run) => run.beforeTool({ name: "read", args: {} }));
      for (const decision of await sim.clock.runUntil(Promise.all(decisions))) {
        if (decision.verdict === "ALLOW") allowedCount++;
      }
      await sim.clock.advance(1_000);
    }
    await sim.clock.runUntil(Promise.all(clients.map((hb) => hb.shutdown())));
    expect(allowedCount).toBeLessThanOrEqual(25);
    expect(plane.leases().reduce((sum, lease) => sum + lease.spent, 0)).toBe(allowedCount);
  });

  it("delivers every event once through a network that drops, resets, delays and repeats", async () => {
    const { sim, plane, client } = world([BLOCK_SEND]);
    sim.network.addFault({ path: "/v1/runs/events", probability: 0.2, fault: { kind: "drop" } });
    sim.network.addFault({ path: "/v1/runs/events", probability: 0.2, fault: { kind: "reset" } });
    sim.network.addFault({ path: "/v1/runs/events", probability: 0.2, fault: { kind: "duplicate" } });
    sim.network.addFault({ probability: 0.2, fault: { kind: "delay", ms: [0, 2_000] } });
    const hb = client("a");
    const runs = [hb.startRun(), hb.startRun()];
    for (let turn = 0; turn < 30; turn++) {
      for (const run of runs) void run.tool({ name: turn % 3 === 0 ? "send" : "read", args: { turn } }, () => "ok");
      await sim.clock.advance(1_000);
    }
    for (const run of runs) void run.end();
    await sim.clock.advance(120_000);
    sim.network.clearFaults();
    await sim.clock.runUntil(hb.shutdown());
    const events = plane.events();
    expect(plane.gaps()).toEqual([]);
    expect(events.filter((event) => event.kind === "tool.decision").length).toBe(60);
    expect(events.filter((event) => event.kind === "tool.result").length).toBe(40);
    expect(new Set(events.map((event) => event.eventId)).size).toBe(events.length);
    expect(plane.duplicateCount).toBeGreaterThan(0);
    expect(sim.clock.pendingTimers()).toEqual([]);
  });

  it("turns to polling where streams are refused", async () => {
    const sim = createSimRuntime("poll");
    const plane = createScriptedControlPlane(sim.runtime, { streams: false });
    sim.network.serve(API, plane.handler);
    const hb = Handlebar.init({ agent: { slug: "support" }, apiKey: "hb_key", endpoint: API, runtime: sim.runtime });
    await sim.clock.advance(1_000);
    plane.setPolicies([BLOCK_SEND]);
    await sim.clock.advance(200);
    expect(hb.status.revision).toBe(1);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("tells a client that its key is refused", async () => {
    const { sim, plane, client } = world();
    plane.revokeKey();
    const hb = client("a");
    await sim.clock.advance(1_000);
    expect(hb.status.link).toBe("refused");
    await sim.clock.runUntil(hb.shutdown());
  });
});
