import { Handlebar, type HandlebarClient } from "@handlebar/core";
import type { Policy } from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { createScriptedControlPlane, type ScriptedControlPlane } from "./scripted-control-plane.ts";
import { jsonResponse } from "./sim-http.ts";
import { createSimRuntime, type SimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";
const HOUR_MS = 3_600_000;
const HELD: Policy = {
  name: "held",
  rules: [{ name: "ask", on: "tool.before", effect: { type: "hitl", approval: { expiresInSeconds: 7_200 } } }],
};

interface World {
  readonly sim: SimRuntime;
  readonly plane: ScriptedControlPlane;
  readonly hb: HandlebarClient;
}

let world: World | undefined;
afterEach(async () => {
  if (world !== undefined) await world.sim.clock.runUntil(world.hb.shutdown());
});

function open(options: { readonly streams?: boolean; readonly waitMaxSeconds?: number } = {}): World {
  const sim = createSimRuntime("waiting");
  const plane = createScriptedControlPlane(sim.runtime, { policies: [HELD], ...options });
  sim.network.serve(API, plane.handler);
  const agent = { slug: "support" };
  const hb = Handlebar.init({ agent, apiKey: "hb_key", endpoint: API, runtime: sim.runtime, sinks: [] });
  world = { sim, plane, hb };
  return world;
}

/** A call that waits for two hours, and the time at which it goes on. */
async function hold({ sim, plane, hb }: World) {
  await sim.clock.runUntil(hb.ready());
  const run = hb.startRun({ idleTtlMs: 10 * HOUR_MS, runTtlMs: 10 * HOUR_MS });
  let doneAtMs: number | undefined;
  const call = run.beforeTool({ name: "wire", args: {}, approvalWaitMs: 2 * HOUR_MS }).finally(() => {
    doneAtMs = sim.clock.clock.monotonicMs();
  });
  await sim.clock.runUntil(() => plane.approvals().length === 1);
  const answer = async () => {
    const fromMs = sim.clock.clock.monotonicMs();
    plane.resolveApproval(plane.approvals()[0]?.approvalId ?? "", { status: "approved" });
    const { cause } = await sim.clock.runUntil(call);
    return { kind: cause.kind, tookMs: (doneAtMs ?? Number.NaN) - fromMs };
  };
  return { call, answer };
}

function lookCount({ sim }: World): number {
  return sim.network.requests.filter(({ method, path }) => method === "GET" && path.startsWith("/v1/approvals/"))
    .length;
}

describe("waiting for a person", () => {
  it("is told by the stream at once, and looks four to eight times a minute", async () => {
    const here = open();
    const { answer } = await hold(here);
    await here.sim.clock.advance(HOUR_MS);
    expect(lookCount(here)).toBeGreaterThanOrEqual(240);
    expect(lookCount(here)).toBeLessThanOrEqual(482);
    const { kind, tookMs } = await answer();
    expect([kind, tookMs <= 100]).toEqual(["HITL_APPROVED", true]);
  });

  it("polls while there is no stream, and is answered as soon", async () => {
    const here = open({ streams: false });
    const { answer } = await hold(here);
    await here.sim.clock.advance(HOUR_MS);
    expect(lookCount(here)).toBeLessThanOrEqual(HOUR_MS / 25_000 + 2);
    const { kind, tookMs } = await answer();
    expect([kind, tookMs <= 100]).toEqual(["HITL_APPROVED", true]);
  });

  it("asks a server that holds nothing once a second", async () => {
    const here = open({ streams: false, waitMaxSeconds: 0 });
    const { answer } = await hold(here);
    await here.sim.clock.advance(HOUR_MS);
    expect(lookCount(here)).toBeLessThanOrEqual(HOUR_MS / 1_000 + 2);
    const { kind, tookMs } = await answer();
    expect([kind, tookMs <= 1_100]).toEqual(["HITL_APPROVED", true]);
  });

  it("asks one that fails less and less often, and finds the answer within half a minute of its return", async () => {
    const here = open();
    const { answer } = await hold(here);
    here.sim.network.serve(API, () => jsonResponse({}, 503));
    here.sim.network.cutStreams();
    const before = lookCount(here);
    await here.sim.clock.advance(HOUR_MS);
    expect(lookCount(here) - before).toBeLessThanOrEqual(HOUR_MS / 15_000 + 8);
    here.sim.network.serve(API, here.plane.handler);
    const { kind, tookMs } = await answer();
    expect([kind, tookMs <= 31_000]).toEqual(["HITL_APPROVED", true]);
  });

  it("finds an answer that was told while the stream was lost, as soon as one speaks again", async () => {
    const here = open();
    const { answer } = await hold(here);
    await here.sim.clock.advance(60_000);
    here.sim.network.remove(API);
    here.sim.network.cutStreams();
    const answered = answer();
    here.sim.network.serve(API, here.plane.handler);
    const { kind, tookMs } = await answered;
    expect([kind, tookMs <= 3_000]).toEqual(["HITL_APPROVED", true]);
  });

  it("ends with the request's time, and with the run, which leaves the request to a later one", async () => {
    const here = open();
    const { call } = await hold(here);
    await here.sim.clock.advance(2 * HOUR_MS);
    const ended = await here.sim.clock.runUntil(call);
    expect([ended.verdict, here.plane.approvals()[0]?.status]).toEqual(["BLOCK", "expired"]);
    const other = here.hb.startRun();
    const held = other.beforeTool({ name: "wire", args: {}, approvalWaitMs: HOUR_MS });
    await here.sim.clock.runUntil(() => here.plane.approvals().length === 2);
    void other.end();
    expect((await here.sim.clock.runUntil(held)).verdict).toBe("BLOCK");
    await here.sim.clock.advance(5_000);
    const [, left] = here.plane.approvals();
    expect(left?.status).toBe("pending");
    here.plane.resolveApproval(left?.approvalId ?? "", { status: "approved", by: "ada" });
    const later = here.hb.startRun().beforeTool({ name: "wire", args: {} });
    expect((await here.sim.clock.runUntil(later)).cause).toMatchObject({ approvalId: left?.approvalId });
    expect(here.plane.approvals()[1]?.usedAt).toBeDefined();
  });
});
