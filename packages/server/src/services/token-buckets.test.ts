import { describe, expect, it } from "vitest";
import { TokenBuckets } from "./token-buckets.ts";

describe("TokenBuckets", () => {
  it("lets a burst through, then as much as time brings", () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 3 }, 10);
    const take = (atMs: number): number => buckets.take("a", atMs);
    expect([take(0), take(0), take(0), take(0)]).toEqual([0, 0, 0, 100]);
    expect([take(50), take(100), take(100)]).toEqual([50, 0, 100]);
    expect([take(10_000), take(10_000), take(10_000), take(10_000)]).toEqual([0, 0, 0, 100]);
  });

  it("takes a token back", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 10);
    buckets.take("a", 0);
    buckets.giveBack("a");
    buckets.giveBack("a");
    buckets.giveBack("nobody");
    expect([buckets.take("a", 0), buckets.take("a", 0)]).toEqual([0, 1000]);
  });

  it("keeps names apart", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 10);
    expect([buckets.take("a", 0), buckets.take("a", 0), buckets.take("b", 0)]).toEqual([0, 1000, 0]);
  });

  it("gains nothing from a clock that goes back", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 10);
    expect([buckets.take("a", 5000), buckets.take("a", 0), buckets.take("a", 500)]).toEqual([0, 1000, 500]);
  });

  it("forgets the name that it has known longest once there are too many", () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 2);
    for (const name of ["a", "b", "c"]) buckets.take(name, 0);
    expect([buckets.take("c", 0), buckets.take("a", 0)]).toEqual([1000, 0]);
  });
});
