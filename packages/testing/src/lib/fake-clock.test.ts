import { describe, expect, it } from "vitest";
import { createFakeClock } from "./fake-clock.ts";

describe("createFakeClock", () => {
  it("stands still until it is advanced", async () => {
    const fake = createFakeClock({ startMs: 1_000 });
    expect([fake.clock.nowMs(), fake.clock.monotonicMs()]).toEqual([1_000, 0]);
    await fake.advance(250);
    expect([fake.clock.nowMs(), fake.clock.monotonicMs(), fake.elapsedMs]).toEqual([1_250, 250, 250]);
  });

  it("runs timers in the order in which they fall due, each at its own time", async () => {
    const { timers, clock, advance } = bound();
    const ran: [string, number][] = [];
    timers.set(() => ran.push(["c", clock.monotonicMs()]), 30);
    timers.set(() => ran.push(["a", clock.monotonicMs()]), 10);
    timers.set(() => ran.push(["b", clock.monotonicMs()]), 10);
    timers.set(() => ran.push(["late", clock.monotonicMs()]), 31);
    await advance(30);
    expect(ran).toEqual([
      ["a", 10],
      ["b", 10],
      ["c", 30],
    ]);
  });

  it("runs what timers and promises set on their way", async () => {
    const { timers, clock, advance } = bound();
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.monotonicMs());
      void Promise.resolve().then(() => timers.set(again, 10));
    };
    timers.set(again, 10);
    await advance(35);
    expect(ran).toEqual([10, 20, 30]);
  });

  it("drains promise chains of any depth between timers", async () => {
    const { timers, advance } = bound();
    const order: string[] = [];
    timers.set(async () => {
      for (let depth = 0; depth < 5_000; depth++) await Promise.resolve();
      order.push("chain");
    }, 1);
    timers.set(() => order.push("timer"), 2);
    await advance(2);
    expect(order).toEqual(["chain", "timer"]);
  });

  it("does not run a timer that was cancelled, also twice or from another timer", async () => {
    const { timers, advance } = bound();
    const ran: string[] = [];
    const second = timers.set(() => ran.push("second"), 5);
    timers.set(() => {
      ran.push("first");
      second.cancel();
      second.cancel();
    }, 5 - 1);
    await advance(10);
    expect(ran).toEqual(["first"]);
  });

  it("takes negative and missing delays as none", async () => {
    const { timers, advance } = bound();
    let count = 0;
    timers.set(() => count++, -5);
    timers.set(() => count++, Number.NaN);
    await advance(0);
    expect(count).toBe(2);
  });

  it("lists the timers that are set", async () => {
    const fake = createFakeClock();
    fake.timers.set(() => undefined, 50, { keepAlive: true });
    fake.timers.set(() => undefined, 20);
    await fake.advance(10);
    expect(fake.pendingTimers()).toEqual([
      { dueInMs: 10, keepAlive: false },
      { dueInMs: 40, keepAlive: true },
    ]);
  });

  it("steps wall time without touching durations", async () => {
    const fake = createFakeClock({ startMs: 0 });
    let ran = false;
    fake.timers.set(() => (ran = true), 100);
    fake.stepWall(-3_600_000);
    await fake.advance(99);
    expect([fake.clock.nowMs(), fake.clock.monotonicMs(), ran]).toEqual([-3_599_901, 99, false]);
  });

  it("runs everything late after a freeze", async () => {
    const fake = createFakeClock();
    const ran: number[] = [];
    fake.timers.set(() => ran.push(fake.elapsedMs), 10);
    fake.timers.set(() => ran.push(fake.elapsedMs), 20);
    await fake.freeze(60_000);
    expect(ran).toEqual([60_000, 60_000]);
  });

  it("rejects with what a timer throws, and can go on", async () => {
    const fake = createFakeClock();
    fake.timers.set(() => {
      throw new Error("boom");
    }, 1);
    await expect(fake.advance(5)).rejects.toThrow("boom");
    await fake.advance(5);
    expect(fake.elapsedMs).toBe(6);
  });

  it("refuses to be moved twice at once", async () => {
    const fake = createFakeClock();
    const moving = fake.advance(10);
    await expect(fake.advance(10)).rejects.toThrow("already moving");
    await moving;
  });

  it("waits for real work that it is told of", async () => {
    let isBusy = true;
    const fake = createFakeClock({ isBusy: () => isBusy });
    const packed = new Response(new Blob(["x".repeat(100_000)]).stream().pipeThrough(new CompressionStream("gzip")));
    const done = packed.arrayBuffer().then((buffer) => {
      isBusy = false;
      return buffer.byteLength;
    });
    await fake.settle();
    expect(isBusy).toBe(false);
    expect(await done).toBeGreaterThan(0);
  });
});

describe("FakeClock.runUntil", () => {
  it("stops as soon as a predicate holds", async () => {
    const fake = createFakeClock();
    let count = 0;
    const tick = (): void => {
      count++;
      fake.timers.set(tick, 10);
    };
    fake.timers.set(tick, 10);
    await fake.runUntil(() => count === 3);
    expect(fake.elapsedMs).toBe(30);
  });

  it("answers what a promise answers, also its rejection", async () => {
    const fake = createFakeClock();
    const later = <T>(value: T): Promise<T> => new Promise((resolve) => fake.timers.set(() => resolve(value), 40));
    expect(await fake.runUntil(later("done"))).toBe("done");
    const failing = later("x").then(() => Promise.reject(new Error("no")));
    await expect(fake.runUntil(failing)).rejects.toThrow("no");
    expect(fake.elapsedMs).toBe(80);
  });

  it("rejects when it takes too long", async () => {
    const fake = createFakeClock();
    await expect(fake.runUntil(() => false, 500)).rejects.toThrow("not done after 500 ms");
    expect(fake.elapsedMs).toBe(500);
  });
});

function bound(): Pick<ReturnType<typeof createFakeClock>, "clock" | "timers" | "advance"> {
  const fake = createFakeClock();
  return { clock: fake.clock, timers: fake.timers, advance: (ms) => fake.advance(ms) };
}
