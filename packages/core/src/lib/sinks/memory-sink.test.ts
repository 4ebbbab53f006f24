import { describe, expect, it } from "vitest";
import { memorySink } from "./memory-sink.ts";
import { SimClient } from "./sim-world.test-support.ts";

describe("memorySink", () => {
  it("keeps events as they were when they were written", () => {
    const sink = memorySink();
    const event = new SimClient().decision("run");
    sink.write(event);
    const before = structuredClone(event);
    Object.assign(event.data, { verdict: "BLOCK" });
    expect(sink.events).toEqual([before]);
    expect(sink.events[0]).not.toBe(sink.events[0]);
  });

  it("keeps the latest within its bounds of count and bytes", () => {
    const client = new SimClient();
    const byCount = memorySink({ countMax: 3 });
    for (let index = 0; index < 10; index++) byCount.write(client.decision("run"));
    expect(byCount.events.map(({ seq }) => seq)).toEqual([7, 8, 9]);
    expect(byCount.evictedCount).toBe(7);

    const bySize = memorySink({ sizeBytesMax: 3_000 });
    for (let index = 0; index < 10; index++) bySize.write(client.message("other", 1_000));
    expect(bySize.events.map(({ seq }) => seq)).toEqual([8, 9]);
  });

  it("can be emptied", () => {
    const sink = memorySink();
    sink.write(new SimClient().decision("run"));
    sink.clear();
    expect(sink.events).toEqual([]);
  });
});
