import type { AuditEvent } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import type { Sink } from "../sink.ts";
import { memorySink } from "./memory-sink.ts";
import { SimClient, SimWorld } from "./sim-world.test-support.ts";
import { SinkBus } from "./sink-bus.ts";

function setUp(sinks: readonly Sink[]): {
  readonly world: SimWorld;
  readonly bus: SinkBus;
  readonly event: () => AuditEvent;
} {
  const world = new SimWorld(1);
  const client = new SimClient();
  return { world, bus: new SinkBus(world.runtime, sinks), event: () => client.decision("run") };
}

/** Something that looks like a promise and throws when it is waited for. */
function badThenable(): Promise<void> {
  const then = (): never => {
    throw new Error("no");
  };
  // biome-ignore lint/suspicious/noThenProperty: a false promise is what this test is about
  return Object.fromEntries([["then", then]]) as unknown as Promise<void>;
}

const never = new Promise<void>(() => undefined);

describe("SinkBus", () => {
  it("gives each event to each sink, whatever the others do", async () => {
    const memory = memorySink();
    const sinks: readonly Sink[] = [
      {
        name: "throws",
        write: () => {
          throw new Error("no");
        },
      },
      { name: "rejects", write: () => Promise.reject(new Error("no")) },
      { name: "hangs", write: () => never },
      { name: "lies", write: () => badThenable() },
      memory,
    ];
    const { world, bus, event } = setUp(sinks);
    const written = [event(), event()];
    for (const each of written) bus.write(each);
    await world.settle();
    expect(memory.events).toEqual(written);
    expect(bus.stats).toEqual([
      { name: "throws", written: 2, failed: 2, skipped: 0, pending: 0 },
      { name: "rejects", written: 2, failed: 2, skipped: 0, pending: 0 },
      { name: "hangs", written: 2, failed: 0, skipped: 0, pending: 2 },
      { name: "lies", written: 2, failed: 2, skipped: 0, pending: 0 },
      { name: "memory", written: 2, failed: 0, skipped: 0, pending: 0 },
    ]);
  });

  it("records what was written, not what another sink made of it", () => {
    const memory = memorySink();
    const vandal: Sink = { write: (event) => void Object.assign(event.data, { verdict: "gone" }) };
    const { bus, event } = setUp([vandal, memory]);
    bus.write(event());
    expect(memory.events[0]?.data).toMatchObject({ verdict: "ALLOW" });
  });

  it("leaves a sink out for 30 s that failed 5 times in 30 s, and then tries it again", async () => {
    let isBroken = true;
    const seen: AuditEvent[] = [];
    const { world, bus, event } = setUp([
      {
        name: "shaky",
        write: (each) => {
          if (isBroken) throw new Error("no");
          seen.push(each);
        },
      },
    ]);
    for (let count = 0; count < 8; count++) bus.write(event());
    expect(bus.stats).toEqual([{ name: "shaky", written: 5, failed: 5, skipped: 3, pending: 0 }]);
    isBroken = false;
    await world.advance(29_999);
    bus.write(event());
    await world.advance(1);
    bus.write(event());
    expect(bus.stats).toEqual([{ name: "shaky", written: 6, failed: 5, skipped: 4, pending: 0 }]);
    expect(seen).toHaveLength(1);
  });

  it("does not leave a sink out that fails now and then", async () => {
    const { world, bus, event } = setUp([
      {
        write: () => {
          throw new Error("no");
        },
      },
    ]);
    for (let count = 0; count < 20; count++) {
      bus.write(event());
      await world.advance(8_000);
    }
    expect(bus.stats).toEqual([{ name: "sink 0", written: 20, failed: 20, skipped: 0, pending: 0 }]);
  });

  it("bounds what a sink that never settles can hold", () => {
    const { bus, event } = setUp([{ name: "hangs", write: () => never }]);
    for (let count = 0; count < 1_500; count++) bus.write(event());
    expect(bus.stats).toEqual([{ name: "hangs", written: 1_000, failed: 0, skipped: 500, pending: 1_000 }]);
  });

  it("warns about the same thing at most once a minute", () => {
    const { world, bus, event } = setUp([
      {
        name: "hangs",
        write: () => {
          throw new Error("no");
        },
      },
    ]);
    for (let count = 0; count < 4; count++) bus.write(event());
    expect(world.warnings).toEqual(["HB_SINK_FAILED: the sink `hangs` failed: no"]);
  });

  it("survives a logger that throws", () => {
    const world = new SimWorld(1);
    const logger = {
      warn: () => {
        throw new Error("no");
      },
      error: () => undefined,
    };
    const bus = new SinkBus({ ...world.runtime, logger }, [
      {
        write: () => {
          throw new Error("no");
        },
      },
    ]);
    bus.write(new SimClient().decision("run"));
    expect(bus.stats[0]?.failed).toBe(1);
  });

  it("flushes all at once, waits for writes under way, and gives each its deadline", async () => {
    const calls: unknown[] = [];
    let settle: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const { world, bus, event } = setUp([
      { write: () => slow, flush: (options) => void calls.push(["slow", options]) },
      { write: () => undefined, flush: (options) => void calls.push(["quick", options]) },
    ]);
    bus.write(event());
    const flushed = bus.flush(2_000);
    await world.settle();
    expect(calls).toEqual([["quick", { deadlineMs: 2_000 }]]);
    settle();
    await flushed;
    expect(calls).toEqual([
      ["quick", { deadlineMs: 2_000 }],
      ["slow", { deadlineMs: 2_000 }],
    ]);
  });

  it.each(["flush", "close"] as const)("ends a %s at the deadline, whatever the sinks do", async (method) => {
    const bad: readonly Sink[] = [
      { write: () => undefined, flush: () => never, close: () => never },
      { write: () => never, flush: () => undefined },
      {
        write: () => undefined,
        flush: () => {
          throw new Error("no");
        },
        close: () => {
          throw new Error("no");
        },
      },
      {
        write: () => undefined,
        flush: () => Promise.reject(new Error("no")),
        close: () => Promise.reject(new Error("no")),
      },
    ];
    const { world, bus, event } = setUp(bad);
    bus.write(event());
    const done = bus[method](1_000);
    await world.advance(1_250);
    await done;
    expect(world.timerCount).toBe(0);
  });

  it("closes once, and takes nothing in afterwards", async () => {
    let closes = 0;
    const { bus, event } = setUp([{ name: "one", write: () => undefined, close: () => void closes++ }]);
    await Promise.all([bus.close(), bus.close()]);
    bus.write(event());
    expect(closes).toBe(1);
    expect(bus.stats[0]?.written).toBe(0);
  });

  it("closes without waiting where the process is exiting", () => {
    const closed: string[] = [];
    const { bus } = setUp([
      {
        write: () => undefined,
        closeNow: () => {
          throw new Error("no");
        },
      },
      { write: () => undefined },
      { write: () => undefined, closeNow: () => void closed.push("third") },
    ]);
    bus.closeNow();
    expect(closed).toEqual(["third"]);
  });
});
