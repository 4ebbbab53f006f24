import { Handlebar, type HandlebarConfig } from "@handlebar/core";
import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { createScriptedControlPlane } from "./scripted-control-plane.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";

const rule = (name: string, rest: Omit<Policy["rules"][number], "name" | "on">): Policy => ({
  name,
  rules: [{ name, on: "tool.before", ...rest }],
});

function world(options: { readonly policies?: readonly Policy[]; readonly streams?: boolean } = {}) {
  const sim = createSimRuntime("bounds");
  const plane = createScriptedControlPlane(sim.runtime, options);
  sim.network.serve(API, plane.handler);
  const init = (config: Partial<HandlebarConfig> = {}) =>
    Handlebar.init({
      agent: { slug: "a" },
      apiKey: "hb_key",
      endpoint: API,
      sinks: [],
      runtime: sim.runtime,
      ...config,
    });
  return { sim, plane, init };
}

describe("a link to a control plane", () => {
  it("tells of tools that were added before the registration was answered", async () => {
    const { sim, plane, init } = world();
    const hb = init();
    hb.registerTools([{ name: "wire", tags: ["money"] }]);
    await sim.clock.runUntil(hb.ready());
    await sim.clock.advance(100);
    expect(plane.agents()[0]?.tools.map(({ name }) => name)).toEqual(["wire"]);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("[SPEC 3.8] blocks and redacts nothing in shadow, though the control plane decides", async () => {
    const { sim, init } = world({
      policies: [rule("no wires", { tool: { name: "wire" }, effect: { type: "block" } })],
    });
    const hb = init({ evaluation: "remote", enforceMode: "shadow" });
    await sim.clock.runUntil(hb.ready());
    const decision = await sim.clock.runUntil(hb.startRun().beforeTool({ name: "wire", args: {} }));
    expect(decision).toMatchObject({
      verdict: "ALLOW",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      shadow: { verdict: "BLOCK", cause: { kind: "RULE_VIOLATION" } },
    });
    expect(decision.evaluatedRules.map(({ mode }) => mode)).toEqual(["shadow"]);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("does not fetch the whole state for a lockdown that it was told of, and names its client in every request", async () => {
    const { sim, plane, init } = world();
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    plane.addLockdown({ scope: { kind: "tool", name: "wire" } });
    await sim.clock.advance(100);
    const run = hb.startRun();
    await sim.clock.runUntil(run.end());
    await sim.clock.advance(10_000);
    expect(hb.status.revision).toBe(plane.revision);
    expect(sim.network.requests.filter(({ path }) => path.includes("/state"))).toEqual([]);
    const link = sim.network.requests.filter(({ path }) => !path.includes("/events"));
    expect(new Set(link.map(({ headers }) => headers["handlebar-client"]))).toEqual(
      new Set([plane.acks()[0]?.clientId]),
    );
    await sim.clock.runUntil(hb.shutdown());
  });

  it("never asks for the state again before the server said", async () => {
    const { sim, init } = world({ streams: false });
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    sim.network.addFault({ path: /\/state/, fault: { kind: "status", status: 429, retryAfter: 10 } });
    await sim.clock.advance(300_000);
    const asked = sim.network.requests.filter(({ path }) => path.includes("/state")).map(({ atMs }) => atMs);
    const gaps = asked.slice(2).map((atMs, at) => atMs - (asked[at + 1] ?? 0));
    expect(gaps.length).toBeGreaterThan(10);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("is asked again five seconds after requests that were under way together failed", async () => {
    const { sim, init } = world();
    const hb = init({ evaluation: "remote" });
    await sim.clock.runUntil(hb.ready());
    const run = hb.startRun();
    const stopFailing = sim.network.addFault({ path: "/v1/agents/check", fault: { kind: "drop" } });
    const ask = () => run.beforeTool({ name: "read", args: {} });
    await sim.clock.runUntil(Promise.all(Array.from({ length: 10 }, ask)));
    stopFailing();
    const checks = () => sim.network.requests.filter(({ path }) => path === "/v1/agents/check").length;
    expect(checks()).toBe(10);
    await sim.clock.runUntil(ask());
    expect(checks()).toBe(10);
    await sim.clock.advance(6_000);
    await sim.clock.runUntil(ask());
    expect(checks()).toBe(11);
    await sim.clock.runUntil(hb.shutdown());
  });

  it("gives back every lease, however many there are", async () => {
    const when = { kind: "maxCalls", scope: "actor", max: 5, windowSeconds: 3_600 } as const;
    const { sim, plane, init } = world({ policies: [rule("calls", { when, effect: { type: "block" } })] });
    const hb = init();
    await sim.clock.runUntil(hb.ready());
    const calls = Array.from({ length: 300 }, (_, at) =>
      hb.startRun({ actor: { externalId: `u_${at}` } }).beforeTool({ name: "read", args: {} }),
    );
    await sim.clock.runUntil(Promise.all(calls));
    expect(plane.leases()).toHaveLength(300);
    await sim.clock.runUntil(hb.shutdown());
    expect(plane.leases().filter(({ status }) => status !== "returned")).toEqual([]);
  });

  it("logs the failures of its own HTTP sink where the user asked for", async () => {
    const { sim } = world();
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    const hb = Handlebar.init({ agent: { slug: "a" }, apiKey: "hb_key", endpoint: API, runtime: sim.runtime, logger });
    sim.network.addFault({ path: "/v1/runs/events", fault: { kind: "drop" } });
    await sim.clock.runUntil(hb.ready());
    await sim.clock.runUntil(hb.startRun().end());
    expect(warnings.join("\n")).toMatch(/HB_API_UNREACHABLE: events cannot be delivered/);
    expect(sim.logs).toEqual([]);
    await sim.clock.runUntil(hb.shutdown());
  });
});
