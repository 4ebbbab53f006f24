import { Handlebar, type HandlebarConfig } from "@handlebar/core";
import { describe, expect, it } from "vitest";
import { createScriptedControlPlane } from "./scripted-control-plane.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";

function world(config: Partial<HandlebarConfig> = {}) {
  const sim = createSimRuntime("cover");
  const plane = createScriptedControlPlane(sim.runtime);
  sim.network.serve(API, plane.handler);
  const init = () =>
    Handlebar.init({
      agent: { slug: "a" },
      apiKey: "hb_key",
      endpoint: API,
      sinks: [],
      runtime: sim.runtime,
      ...config,
    });
  const asked = (path: RegExp) => sim.network.requests.filter((request) => path.test(request.path));
  return { sim, plane, init, asked };
}

describe("a stream that something on the way holds back", () => {
  it("[SPEC 10.2] is stood in for by polls, so that a lockdown reaches a run that is busy", async () => {
    const { sim, plane, init, asked } = world();
    sim.network.addFault({ path: /\/stream$/, fault: { kind: "hang", delivered: true } });
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    const run = hb.startRun();
    await sim.clock.advance(2_000);
    const { lockdownId } = plane.addLockdown({ scope: { kind: "workspace" } });
    await sim.clock.advance(100);
    expect([run.terminated, run.signal.aborted]).toEqual([true, true]);
    expect(plane.acks().at(-1)).toMatchObject({ lockdownIds: [lockdownId] });
    // It is given up, and tried again only now and then.
    await sim.clock.advance(240_000);
    expect(asked(/\/stream$/)).toHaveLength(1);
    await sim.clock.advance(120_000);
    expect(asked(/\/stream$/).length).toBeGreaterThan(1);
    expect(hb.status.link).toBe("ready");
    await sim.clock.runUntil(hb.shutdown());
    expect(sim.clock.pendingTimers()).toEqual([]);
  });

  it("costs no poll where it speaks", async () => {
    const { sim, init, asked } = world();
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    await sim.clock.advance(120_000);
    expect(asked(/\/state$/)).toEqual([]);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("is polled for between its attempts, where it breaks again and again", async () => {
    const { sim, plane, init } = world();
    sim.network.addFault({ path: /\/stream$/, fault: { kind: "status", status: 502 } });
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    const run = hb.startRun();
    await sim.clock.advance(1_500);
    plane.addLockdown({ scope: { kind: "workspace" } });
    await sim.clock.advance(100);
    expect([run.terminated, hb.status.link]).toEqual([true, "ready"]);
    await sim.clock.runUntil(hb.shutdown());
  });
});

describe("an acknowledgement", () => {
  it("is tried until it arrives, and stands for what is in force then", async () => {
    const { sim, plane, init } = world();
    const heal = sim.network.addFault({ path: /\/ack$/, fault: { kind: "drop" } });
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    const first = plane.addLockdown({ scope: { kind: "session", sessionId: "s" } });
    await sim.clock.advance(120_000);
    const second = plane.addLockdown({ scope: { kind: "workspace" } });
    expect(plane.acks()).toEqual([]);
    heal();
    await sim.clock.advance(31_000);
    expect(plane.acks().map(({ lockdownIds }) => lockdownIds)).toEqual([[first.lockdownId, second.lockdownId]]);
    await sim.clock.runUntil(hb.shutdown());
    expect(plane.acks().at(-1)).toMatchObject({ left: true });
  });

  it("goes out before what the runs that a stop order ended have to say", async () => {
    const { sim, plane, init, asked } = world();
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    const run = hb.startRun();
    const call = run.tool({ name: "read", args: {} }, (_, { signal }) => {
      return new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const ended = call.then(() => run.end());
    await sim.clock.advance(1_000);
    const before = asked(/\/(ack|end)$/).length;
    plane.addLockdown({ scope: { kind: "workspace" } });
    await sim.clock.runUntil(ended);
    await sim.clock.advance(100);
    const paths = asked(/\/(ack|end)$/).slice(before);
    expect(paths.map(({ path }) => path.split("/").at(-1))).toEqual(["ack", "end"]);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("says that a client in shadow acts upon no stop order", async () => {
    const { sim, plane, init } = world({ enforceMode: "shadow" });
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    await sim.clock.advance(100);
    expect(plane.acks().at(-1)).toMatchObject({ enforceMode: "shadow" });
    await sim.clock.runUntil(hb.shutdown());
  });
});

describe("a stop order", () => {
  it("refuses new runs from the moment that they start", async () => {
    const { sim, plane, init } = world();
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    plane.addLockdown({ scope: { kind: "actor", externalId: "u" } });
    await sim.clock.advance(100);
    const [covered, other] = [hb.startRun({ actor: { externalId: "u" } }), hb.startRun()];
    expect([covered.terminated, covered.signal.aborted, other.terminated]).toEqual([true, true, false]);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("for a tool stops a call of a batch that was let through before a later one of it was waited for", async () => {
    const held = { name: "held", on: "tool.before", tool: { name: "pay" }, effect: { type: "hitl" } } as const;
    const { sim, plane, init } = world();
    plane.setPolicies([{ name: "held", rules: [held] }]);
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    const run = hb.startRun();
    const batch = run.beforeTools([
      { name: "read", args: {} },
      { name: "pay", args: {}, approvalWaitMs: 60_000 },
    ]);
    await sim.clock.runUntil(() => plane.approvals().length === 1);
    plane.addLockdown({ scope: { kind: "tool", name: "read" } });
    await sim.clock.advance(100);
    plane.resolveApproval(plane.approvals()[0]?.approvalId ?? "", { status: "approved", by: "boss" });
    const [read, pay] = await sim.clock.runUntil(batch);
    expect([read?.verdict, read?.cause.kind, pay?.verdict]).toEqual(["BLOCK", "LOCKDOWN", "ALLOW"]);
    await sim.clock.runUntil(hb.shutdown());
  });
});
