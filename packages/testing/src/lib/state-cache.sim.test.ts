import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Handlebar, type HandlebarConfig, type Run } from "@handlebar/core";
import { fileStateCache } from "@handlebar/core/node";
import type { Decision, Policy } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createScriptedControlPlane } from "./scripted-control-plane.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";
const STALE_AFTER_MS = 300_000;

const block = (tool: string): Policy => ({
  name: `no ${tool}`,
  rules: [{ name: `no ${tool}`, on: "tool.before", tool: { name: tool }, effect: { type: "block" } }],
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "handlebar-state-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const path = (): string => join(dir, readdirSync(dir)[0] ?? "no file");

function world(config: Partial<HandlebarConfig> = {}) {
  const sim = createSimRuntime("state cache");
  const plane = createScriptedControlPlane(sim.runtime, { policies: [block("send")] });
  const warnings: string[] = [];
  const logger = { warn: (message: string) => warnings.push(message), error: () => undefined };
  const runtime = { ...sim.runtime, logger };
  const connect = (): void => sim.network.serve(API, plane.handler);
  const cut = (): void => {
    sim.network.remove(API);
    sim.network.cutStreams();
  };
  /** A process of the agent, with a cache object of its own on the shared folder. */
  const start = (more: Partial<HandlebarConfig> = {}) => {
    const cache = fileStateCache({ dir, runtime });
    const hb = Handlebar.init({
      agent: { slug: "a" },
      apiKey: "hb_key",
      endpoint: API,
      sinks: [],
      stateCache: cache,
      staleAfterMs: STALE_AFTER_MS,
      logger,
      runtime,
      ...config,
      ...more,
    });
    const stop = async (): Promise<void> => {
      await sim.clock.runUntil(hb.shutdown());
      // The disk is real and does not follow the simulated clock.
      await cache.flush();
    };
    return { hb, cache, stop };
  };
  /** One that was connected for a while, and then ended. */
  const live = async (): Promise<void> => {
    connect();
    const { hb, stop } = start();
    await sim.clock.runUntil(hb.ready());
    await stop();
  };
  const ask = (run: Run, name: string): Promise<Decision> =>
    sim.clock.runUntil(run.beforeTool({ name, args: {} }), 600_000);
  return { sim, plane, warnings, connect, cut, start, live, ask };
}

describe("[SPEC 6.1] a start while the control plane is out of reach", () => {
  it.each([false, true])("failClosed %s decides by the state that was kept, marked", async (failClosed) => {
    const { start, live, cut, ask } = world({ failClosed });
    await live();
    cut();
    const { hb, stop } = start();
    const run = hb.startRun();
    expect(await ask(run, "send")).toMatchObject({ verdict: "BLOCK", cause: { kind: "RULE_VIOLATION" } });
    expect(await ask(run, "read")).toMatchObject({ verdict: "ALLOW", degraded: ["HB_STATE_NOT_READY"] });
    expect(hb.status).toMatchObject({ link: "connecting", revision: 1 });
    await stop();
  });

  it.each([
    [false, "ALLOW"],
    [true, "BLOCK"],
  ] as const)("failClosed %s, with a state that is stale, answers %s", async (failClosed, verdict) => {
    const { sim, start, live, cut, ask } = world({ failClosed });
    await live();
    cut();
    await sim.clock.advance(STALE_AFTER_MS + 1);
    const { hb, stop } = start();
    const run = hb.startRun();
    expect(await ask(run, "send")).toMatchObject({ verdict: "BLOCK", cause: { kind: "RULE_VIOLATION" } });
    expect(await ask(run, "read")).toMatchObject({ verdict, degraded: ["HB_STATE_STALE"] });
    await stop();
  });

  it("counts the time since the last contact, not since the last change", async () => {
    const { sim, start, connect, cut, ask } = world({ failClosed: true });
    connect();
    const first = start();
    await sim.clock.runUntil(first.hb.ready());
    await sim.clock.advance(10 * STALE_AFTER_MS);
    await first.stop();
    cut();
    const { hb, stop } = start();
    expect(await ask(hb.startRun(), "read")).toMatchObject({ verdict: "ALLOW", degraded: ["HB_STATE_NOT_READY"] });
    await stop();
  });

  it("takes what the control plane says as soon as it can be reached", async () => {
    const { sim, plane, start, live, cut, connect, ask } = world();
    await live();
    cut();
    const { hb, stop } = start();
    const run = hb.startRun();
    expect((await ask(run, "send")).verdict).toBe("BLOCK");
    plane.setPolicies([block("read")]);
    connect();
    await sim.clock.advance(60_000);
    expect((await ask(run, "send")).verdict).toBe("ALLOW");
    expect((await ask(run, "read")).verdict).toBe("BLOCK");
    await stop();
  });
});

describe("[SPEC 6.1] a lockdown that was seen", () => {
  it.each([false, true])("failClosed %s holds over a restart, until a newer revision lifts it", async (failClosed) => {
    const { sim, plane, start, cut, connect, ask } = world({ failClosed });
    connect();
    const first = start();
    await sim.clock.runUntil(first.hb.ready());
    const { lockdownId } = plane.addLockdown({ scope: { kind: "agent", slug: "a" } });
    await sim.clock.advance(1_000);
    expect(first.hb.status.lockdowns).toHaveLength(1);
    await first.stop();
    cut();
    await sim.clock.advance(100 * STALE_AFTER_MS);
    const { hb, stop } = start();
    expect(await ask(hb.startRun(), "read")).toMatchObject({
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: { kind: "LOCKDOWN", lockdownId },
    });
    plane.liftLockdown(lockdownId);
    connect();
    await sim.clock.advance(60_000);
    expect((await ask(hb.startRun(), "read")).verdict).toBe("ALLOW");
    await stop();
  });
});

describe("a state file", () => {
  it("is the owner's alone, and holds no key", async () => {
    const { live } = world();
    await live();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(`${path()}${readFileSync(path(), "utf8")}`).not.toContain("hb_key");
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it.each([
    ["was changed", () => writeFileSync(path(), readFileSync(path(), "utf8").replace("no send", "no sand"))],
    ["was cut short", () => writeFileSync(path(), readFileSync(path(), "utf8").slice(0, 200))],
    ["is empty", () => writeFileSync(path(), "")],
    ["can be written by others", () => chmodSync(path(), 0o666)],
    ["lies in a folder that can be written by others", () => chmodSync(dir, 0o777)],
  ])("that %s is left aside, which is said", async (_, spoil) => {
    const { start, live, cut, ask, warnings } = world();
    await live();
    cut();
    spoil();
    const { hb, stop } = start();
    expect(await ask(hb.startRun(), "send")).toMatchObject({ verdict: "ALLOW", degraded: ["HB_STATE_NOT_READY"] });
    expect(warnings.filter((warning) => warning.startsWith("HB_STATE_CACHE_FAILED"))).toHaveLength(1);
    await stop();
  });

  it.each([
    ["key", { apiKey: "hb_other" }],
    ["agent", { agent: { slug: "b" } }],
    ["endpoint", { endpoint: "https://other.test" }],
  ])("of another %s is not looked at", async (_, other) => {
    const { start, live, cut, warnings } = world();
    await live();
    cut();
    const { hb, stop } = start(other);
    expect(hb.status.revision).toBeUndefined();
    expect(warnings).toEqual([]);
    await stop();
  });

  it("is not replaced by an older state of another process", async () => {
    const { start, live, plane, cut } = world();
    const scope = { endpoint: API, apiKey: "hb_key", agent: "a" };
    await live();
    plane.setPolicies([block("read")]);
    await live();
    const { cache, stop } = start();
    const newest = cache.load(scope);
    cache.save(scope, { confirmedAtMs: 1, revision: 1, policies: [], lockdownRevision: 1, lockdowns: [] });
    await cache.flush();
    expect(newest?.revision).toBe(2);
    expect(cache.load(scope)).toEqual(newest);
    cut();
    await stop();
  });

  it("that cannot be written does not trouble the agent", async () => {
    const { start, connect, sim, ask, warnings } = world();
    connect();
    writeFileSync(join(dir, "file"), "");
    const runtime = { ...sim.runtime, logger: { warn: (text: string) => warnings.push(text), error: () => undefined } };
    const { hb, stop } = start({ stateCache: fileStateCache({ dir: join(dir, "file"), runtime }) });
    expect((await ask(hb.startRun(), "send")).verdict).toBe("BLOCK");
    await stop();
    expect(warnings.some((warning) => warning.startsWith("HB_STATE_CACHE_FAILED"))).toBe(true);
  });
});
