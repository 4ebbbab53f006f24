import type { Lease } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callNeed, KEY, moneyNeed, TTL_MS } from "./lease-world.test-support.ts";
import { Share } from "./share.ts";

const lease = (granted: number, given: Partial<Lease> = {}): Lease => ({
  leaseId: "l1",
  key: KEY,
  granted,
  ttlMs: TTL_MS,
  remaining: 0,
  ...given,
});

/** A share of which this much was granted at 0. */
function granted(amount: number, given: Partial<Lease> = {}): Share {
  const share = new Share(KEY, "l1");
  share.answer(lease(amount, given), { atMs: 0, reported: 0 }, 0);
  return share;
}

describe("a share of a budget", () => {
  it("has nothing before it was granted", () => {
    const share = new Share(KEY, "l1");
    expect([share.has(1, 0), share.isExpired(0), share.read(callNeed(), 0)]).toEqual([false, true, undefined]);
  });

  it("has what was granted less what was spent, reserved and claimed", () => {
    const share = granted(10);
    share.spent = 3;
    share.reserve("a", 2);
    share.claimed = 1;
    expect([share.free, share.has(4, 0), share.has(4.1, 0)]).toEqual([4, true, false]);
  });

  it("is no good for a call that is not estimated once nothing is left", () => {
    const share = granted(1);
    expect(share.has(0, 0)).toBe(true);
    share.spent = 1;
    expect(share.has(0, 0)).toBe(false);
  });

  it("ends as long after the request left as the grant says, however late the answer comes", () => {
    const share = new Share(KEY, "l1");
    share.answer(lease(5), { atMs: 1_000, reported: 0 }, 2_900);
    expect([share.has(1, 10_999), share.has(1, 11_000), share.isExpired(11_000)]).toEqual([true, false, true]);
  });

  it("holds estimates until their calls end, each once", () => {
    const share = granted(10);
    share.reserve("a", 0.1);
    share.reserve("b", 0.2);
    expect(share.release("a")).toBe(0.1);
    expect(share.release("a")).toBe(0);
    expect(share.release("b")).toBe(0.2);
    // No rest of rounding stays.
    expect(share.reserved).toBe(0);
  });

  it("counts the estimate of a second call of one id as spent", () => {
    const share = granted(10);
    share.reserve("a", 2);
    share.reserve("a", 3);
    expect([share.reserved, share.spent, share.free]).toEqual([2, 3, 5]);
  });

  it("does not forget what was reported when an answer says less", () => {
    const share = granted(10);
    share.spent = 5;
    share.answer(lease(10), { atMs: 1, reported: 5 }, 1);
    share.answer(lease(10), { atMs: 2, reported: 3 }, 2);
    expect([share.reported, share.isUnreported]).toEqual([5, false]);
  });

  it("takes its estimates, and nothing else, along to another lease", () => {
    const share = granted(10);
    share.spent = 4;
    share.reserve("a", 2);
    share.isRecalled = true;
    share.renewUnder("l2");
    expect([share.leaseId, share.isOpen, share.isAsked, share.isRecalled]).toEqual(["l2", false, false, false]);
    expect([share.granted, share.spent, share.reported, share.reserved]).toEqual([0, 0, 0, 2]);
    expect(share.isExpired(0)).toBe(true);
  });

  it("remembers that there was no room for as much, for a while", () => {
    const share = granted(0);
    share.refuse(2, 500);
    expect([share.isRefused(2, 499), share.isRefused(3, 499)]).toEqual([true, true]);
    expect([share.isRefused(1, 499), share.isRefused(2, 500)]).toEqual([false, false]);
  });
});

describe("what a share says of the window", () => {
  it("is the ceiling less what is free, and what is known to be used", () => {
    const share = granted(10, { remaining: 40 });
    share.spent = 2;
    share.reserve("a", 1);
    // 40 are left beyond all leases, and 7 of this one: what others hold counts as used.
    expect(share.read(callNeed(), 0)).toEqual({ value: 93, used: 53 });
  });

  it("is that there is no room, and when there is again", () => {
    const share = granted(0, { resetAt: 9_000 });
    expect(share.read(callNeed(), 0)).toEqual({ value: 100, used: 100, resetAtMs: 9_000 });
  });

  it("is how far others went beyond the limit, where nothing is left here", () => {
    expect(granted(0, { remaining: -5 }).read(callNeed(), 0)).toEqual({ value: 105, used: 100 });
    expect(granted(3, { remaining: -5 }).read(callNeed(), 0)?.value).toBe(97);
  });

  it("is nothing once the lease is over", () => {
    const share = granted(10);
    expect([share.read(callNeed(), TTL_MS - 1)?.value, share.read(callNeed(), TTL_MS)]).toEqual([90, undefined]);
  });

  it("lets a call through exactly where it is free, however sums are rounded", () => {
    const amount = fc.double({ min: 0.001, max: 1_000, noNaN: true });
    const part = fc.double({ min: 0.001, max: 1, noNaN: true });
    fc.assert(
      fc.property(amount, part, fc.array(part, { maxLength: 8 }), (ceiling, granting, parts) => {
        const grant = ceiling * granting;
        const reserved = parts.map((one) => grant * one);
        const share = granted(grant);
        for (const [at, one] of reserved.entries()) share.reserve(`call ${at}`, one);
        const asked = reserved[0] ?? grant;
        const value = share.read(moneyNeed(asked, { limit: ceiling, ceiling }), 0)?.value ?? Number.NaN;
        if (share.has(asked, 0)) expect(value + asked).toBeLessThanOrEqual(ceiling);
        // A call that is not free exceeds the ceiling, unless the difference is lost in rounding.
        else if (share.free < asked - ceiling * 1e-9) expect(value + asked).toBeGreaterThan(ceiling);
      }),
      { numRuns: 500 },
    );
  });
});
