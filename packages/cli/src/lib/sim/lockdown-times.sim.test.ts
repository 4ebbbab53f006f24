import { Handlebar, type HandlebarClient, type HandlebarConfig, type Run } from "@handlebar/core";
import { type Decision, type LockdownAnswer, type LockdownScope, lockdownAnswerSchema } from "@handlebar/protocol";
import { createSimRuntime } from "@handlebar/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { printLockdown } from "../lockdown-screen.ts";
import { type SimPlane, startSimPlane } from "./sim-plane.fixture.ts";
import { type Skew, skewedRuntime } from "./skewed-runtime.fixture.ts";

const STALE_AFTER_MS = 300_000;
const EVERYTHING: LockdownScope = { kind: "workspace" };

let plane: SimPlane;
let clients: Client[];
beforeEach(async () => {
  plane = await startSimPlane("times");
  clients = [];
});
afterEach(async () => {
  plane.network.clearFaults();
  await plane.clock.runUntil(Promise.all(clients.map(({ hb }) => hb.shutdown())));
  await plane.stop();
});

interface Client {
  readonly hb: HandlebarClient;
  readonly run: Run;
  /** Its network is gone, and open connections with it. */
  cut(): Promise<void>;
  heal(): void;
  ask(run?: Run): Promise<Decision>;
}

async function start(config: Partial<HandlebarConfig> = {}, skew: Skew = { offsetMs: 0, rate: 1 }): Promise<Client> {
  const { clock, network } = plane;
  const sim = createSimRuntime(`client ${clients.length}`, { clock, network });
  const { runtime } = skewedRuntime(sim.runtime, skew);
  let isCut = false;
  const hb = Handlebar.init({
    agent: { slug: "support" },
    apiKey: plane.agentKey,
    endpoint: plane.origin,
    sinks: [],
    staleAfterMs: STALE_AFTER_MS,
    logger: { warn: () => undefined, error: () => undefined },
    runtime: {
      ...runtime,
      fetch: (url, init) => (isCut ? Promise.reject(new TypeError("fetch failed")) : runtime.fetch(url, init)),
    },
    ...config,
  });
  await clock.runUntil(hb.ready());
  const run = hb.startRun();
  const client: Client = {
    hb,
    run,
    cut: () => {
      isCut = true;
      network.cutStreams();
      return clock.advance(100);
    },
    heal: () => {
      isCut = false;
    },
    ask: (of = run) => clock.runUntil(of.beforeTool({ name: "read", args: {} })),
  };
  clients.push(client);
  // It has said what it has.
  await clock.advance(1_000);
  return client;
}

async function stop(more: { readonly until?: string } = {}): Promise<string> {
  const body = { scope: EVERYTHING, ...more };
  return lockdownAnswerSchema.parse(await plane.call("POST", "/v1/lockdowns", body)).lockdown.lockdownId;
}

async function look(id: string): Promise<LockdownAnswer> {
  return lockdownAnswerSchema.parse(await plane.call("GET", `/v1/lockdowns/${id}`));
}

/** As `handlebar lockdown status` prints it. */
function shown(answer: LockdownAnswer): string {
  let text = "";
  printLockdown(answer, {
    out: (part) => {
      text += part;
    },
    err: () => undefined,
    cwd: ".",
    isTty: false,
    hasColour: false,
    env: {},
    interrupted: new AbortController().signal,
  });
  return text;
}

const obeys = (id: string): object => ({
  verdict: "BLOCK",
  control: "TERMINATE",
  cause: { kind: "LOCKDOWN", lockdownId: id },
});

describe("a lockdown", () => {
  it("comes by the stream, which costs no poll", async () => {
    const client = await start();
    await plane.clock.advance(20_000);
    await stop();
    await plane.clock.advance(100);
    expect(client.run.terminated).toBe(true);
    expect(plane.network.requests.filter(({ path }) => path.endsWith("/state"))).toEqual([]);
  });

  it.each([
    ["right", 0],
    ["an hour ahead", 3_600_000],
    ["an hour behind", -3_600_000],
  ])(
    "with a time lifts itself in time in a client whose clock is %s, also one that is cut off",
    async (_, offsetMs) => {
      const client = await start({}, { offsetMs, rate: 1 });
      const id = await stop({ until: new Date(plane.nowMs() + 60_000).toISOString() });
      await plane.clock.advance(100);
      expect(client.run.signal.aborted).toBe(true);
      expect(await look(id)).toMatchObject({ inForce: true, clientCount: 1, acknowledgedCount: 1 });
      await client.cut();
      await plane.clock.advance(58_000);
      expect(await client.ask(client.hb.startRun())).toMatchObject(obeys(id));
      await plane.clock.advance(3_000);
      expect((await client.ask(client.hb.startRun())).verdict).toBe("ALLOW");
      expect(await look(id)).toMatchObject({ inForce: false, stragglers: [] });
    },
  );

  it("with a time is over for a client that starts after it", async () => {
    const id = await stop({ until: new Date(plane.nowMs() + 60_000).toISOString() });
    const before = await start();
    expect(await before.ask()).toMatchObject(obeys(id));
    await plane.clock.advance(61_000);
    expect((await (await start()).ask()).verdict).toBe("ALLOW");
    expect((await before.ask(before.hb.startRun())).verdict).toBe("ALLOW");
  });
});

describe("a client that is cut off", () => {
  it.each([
    [false, { verdict: "ALLOW", degraded: ["HB_STATE_STALE"] }],
    [true, { verdict: "BLOCK", cause: { kind: "UNAVAILABLE", code: "HB_STATE_STALE" } }],
  ])("and has not seen a lockdown does as its fail mode says: failClosed %s", async (failClosed, stale) => {
    const client = await start({ failClosed });
    await client.cut();
    const id = await stop();
    await plane.clock.advance(STALE_AFTER_MS - 20_000);
    expect((await client.ask()).verdict).toBe("ALLOW");
    await plane.clock.advance(40_000);
    expect(await client.ask(client.hb.startRun())).toMatchObject(stale);
    expect(await look(id)).toMatchObject({ inForce: true, clientCount: 1, acknowledgedCount: 0 });
    client.heal();
    await plane.clock.advance(60_000);
    expect(await client.ask(client.hb.startRun())).toMatchObject(obeys(id));
    expect(await look(id)).toMatchObject({ clientCount: 1, acknowledgedCount: 1, stragglers: [] });
  });

  it.each([false, true])("and has seen it obeys it however long: failClosed %s", async (failClosed) => {
    const client = await start({ failClosed });
    const id = await stop();
    await plane.clock.advance(100);
    await client.cut();
    await plane.clock.advance(10 * STALE_AFTER_MS);
    expect(await client.ask(client.hb.startRun())).toMatchObject(obeys(id));
    await plane.call("DELETE", `/v1/lockdowns/${id}`);
    expect(await client.ask(client.hb.startRun())).toMatchObject(obeys(id));
    client.heal();
    await plane.clock.advance(60_000);
    expect((await client.ask(client.hb.startRun())).verdict).toBe("ALLOW");
  });

  it("is shown as a straggler that may yet obey, then as one that is not waited for, then as one that obeys", async () => {
    await start();
    const lost = await start();
    await lost.cut();
    const id = await stop();
    await plane.clock.advance(60_000);
    const early = await look(id);
    expect([early.clientCount, early.acknowledgedCount, early.silentCount]).toEqual([2, 1, 0]);
    expect(shown(early)).toMatch(/obeyed by 1 of 2 clients\n[\s\S]*support +not yet/);
    await plane.clock.advance(15 * 60_000);
    const late = await look(id);
    expect([late.clientCount, late.acknowledgedCount, late.silentCount]).toEqual([1, 1, 1]);
    expect(shown(late)).toMatch(/obeyed by 1 of 1 client\n[\s\S]*1 client not heard from for 15 minutes/);
    expect(shown(late)).toMatch(/support +ended without a word, or cut off/);
    lost.heal();
    await plane.clock.advance(60_000);
    const after = await look(id);
    expect([after.clientCount, after.acknowledgedCount, after.silentCount, after.stragglers]).toEqual([2, 2, 0, []]);
    expect(after.course).toMatchObject({ stoppedCount: 2, startedCount: 0 });
  });
});
