import { describe, expect, it } from "vitest";
import { createSimRuntime } from "./sim-runtime.ts";

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("createSimRuntime", () => {
  it("is the same world for the same seed", async () => {
    const draw = async (seed: number): Promise<unknown[]> => {
      const { runtime, clock, random } = createSimRuntime(seed);
      const before = [runtime.newId(), runtime.random(), random.next()];
      await clock.advance(5);
      return [...before, runtime.newId(), runtime.random(), runtime.clock.nowMs()];
    };
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  it("makes UUIDv7 ids that only grow, whatever the wall clock does", async () => {
    const { runtime, clock, ids } = createSimRuntime("ids");
    const made = Array.from({ length: 5_000 }, () => runtime.newId());
    clock.stepWall(-60_000);
    made.push(runtime.newId());
    await clock.advance(120_000);
    made.push(runtime.newId());
    expect(made.filter((id) => !UUIDV7.test(id))).toEqual([]);
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(5_002);
    expect(ids.issuedCount).toBe(5_002);
  });

  it("puts the wall time into ids", () => {
    const { runtime } = createSimRuntime("time", { startMs: Date.UTC(2026, 2, 1) });
    expect(Number.parseInt(runtime.newId().replaceAll("-", "").slice(0, 12), 16)).toBe(Date.UTC(2026, 2, 1));
  });

  it("keeps what is logged and answers the environment", async () => {
    const { runtime, clock, logs } = createSimRuntime(3, { env: { HANDLEBAR_API_KEY: "hb_test" } });
    runtime.logger.warn("first", { a: 1 });
    await clock.advance(10);
    runtime.logger.error("second");
    expect(logs).toEqual([
      { level: "warn", message: "first", details: { a: 1 }, atMs: 0 },
      { level: "error", message: "second", atMs: 10 },
    ]);
    expect([runtime.env("HANDLEBAR_API_KEY"), runtime.env("toString")]).toEqual(["hb_test", undefined]);
  });

  it("can share clock and network with another runtime", async () => {
    const world = createSimRuntime("a");
    const other = createSimRuntime("b", { clock: world.clock, network: world.network });
    world.network.serve("https://api.test", () => ({ status: 200, body: "hello" }));
    const answer = other.runtime.fetch("https://api.test/", { method: "GET", headers: {} });
    expect(await (await world.clock.runUntil(answer)).text()).toBe("hello");
    expect(other.runtime.newId()).not.toBe(world.runtime.newId());
  });
});
