import { describe, expect, it } from "vitest";
import { createRandom } from "./seeded-random.ts";

describe("createRandom", () => {
  it("gives the same stream for the same seed", () => {
    const first = Array.from({ length: 5 }, drawer(createRandom(7)));
    const second = Array.from({ length: 5 }, drawer(createRandom("7")));
    expect(first).toEqual(second);
    expect(Array.from({ length: 5 }, drawer(createRandom(8)))).not.toEqual(first);
  });

  it("keeps its stream from release to release", () => {
    const random = createRandom("handlebar");
    expect([random.int(0, 999), random.int(0, 999), random.int(0, 999), random.int(0, 999)]).toEqual([
      772, 331, 851, 513,
    ]);
  });

  it("is spread evenly over [0, 1)", () => {
    const random = createRandom("even");
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) {
      const tenth = Math.floor(random.next() * 10);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
    }
    expect(counts.length).toBe(10);
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it("draws whole numbers with both ends", () => {
    const random = createRandom(1);
    expect(new Set(Array.from({ length: 200 }, () => random.int(2, 4)))).toEqual(new Set([2, 3, 4]));
  });

  it("decides by probability", () => {
    const random = createRandom(2);
    expect(Array.from({ length: 100 }, () => random.chance(0))).not.toContain(true);
    expect(Array.from({ length: 100 }, () => random.chance(1))).not.toContain(false);
  });

  it("picks from what is there, and refuses an empty list", () => {
    const random = createRandom(3);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(["a", "b"])))).toEqual(new Set(["a", "b"]));
    expect(() => random.pick([])).toThrow(RangeError);
  });

  it("shuffles into a new list of the same things", () => {
    const list = [1, 2, 3, 4, 5];
    const shuffled = createRandom(4).shuffle(list);
    expect([...shuffled].sort()).toEqual(list);
    expect(list).toEqual([1, 2, 3, 4, 5]);
  });

  it("forks streams that do not depend on what was drawn", () => {
    const one = createRandom(5);
    const other = createRandom(5);
    other.next();
    expect(one.fork("a").next()).toBe(other.fork("a").next());
    expect(one.fork("a").next()).not.toBe(one.fork("b").next());
  });
});

function drawer(random: ReturnType<typeof createRandom>): () => number {
  return () => random.next();
}
