import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WINDOW_BUCKET_COUNT, WINDOW_TIMESTAMP_COUNT_MAX } from "./limits.ts";
import { RollingWindow } from "./window.ts";

interface Entry {
  readonly at: number;
  readonly amount: number;
}

/** The definition: everything that was added, kept for ever. */
function within(entries: readonly Entry[], afterMs: number): readonly Entry[] {
  return entries.filter((entry) => entry.at > afterMs);
}

const sumOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + entry.amount, 0);

const windowSpan = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1_000, max: 100_000 }));
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 50_000 }) },
);
const burst = fc.record({
  gap,
  count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })),
  pace: fc.nat(3),
  amount: fc.nat(100),
});

describe("rolling windows against an exact log", () => {
  it("count exactly, and sum at least and within one bucket", () => {
    fc.assert(
      fc.property(
        windowSpan,
        fc.integer({ min: 0, max: 2e12 }),
        fc.array(burst, { maxLength: 25 }),
        (windowMs, start, bursts) => {
          const window = new RollingWindow(windowMs);
          const widthMs = Math.ceil(windowMs / WINDOW_BUCKET_COUNT);
          const entries: Entry[] = [];
          let now = start;
          for (const { gap: pause, count, pace, amount } of bursts) {
            now += pause;
            for (let index = 0; index < count; index += 1) {
              window.add(now, amount + (index % 5));
              entries.push({ at: now, amount: amount + (index % 5) });
              now += pace;
            }
            const exact = within(entries, now - windowMs);
            const widest = within(entries, now - windowMs - widthMs);
            const counted = window.read(now, "count") ?? Number.NaN;
            const summed = window.read(now, "sum") ?? Number.NaN;
            if (exact.length <= WINDOW_TIMESTAMP_COUNT_MAX) expect(counted).toBe(exact.length);
            expect(counted).toBeGreaterThanOrEqual(exact.length);
            expect(counted).toBeLessThanOrEqual(widest.length);
            expect(summed).toBeGreaterThanOrEqual(sumOf(exact));
            expect(summed).toBeLessThanOrEqual(sumOf(widest));
            expect(window.emptyAtMs()).toBeGreaterThanOrEqual((entries.at(-1)?.at ?? 0) + windowMs);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it("keep minimum and maximum at least as wide as the exact ones", () => {
    const amounts = fc.array(fc.tuple(gap, fc.integer({ min: -50, max: 50 })), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(windowSpan, amounts, (windowMs, steps) => {
        const window = new RollingWindow(windowMs);
        const entries: Entry[] = [];
        let now = 0;
        for (const [pause, amount] of steps) {
          now += pause;
          window.add(now, amount);
          entries.push({ at: now, amount });
        }
        const exact = within(entries, now - windowMs);
        expect(window.read(now, "min")).toBeLessThanOrEqual(Math.min(...exact.map((entry) => entry.amount)));
        expect(window.read(now, "max")).toBeGreaterThanOrEqual(Math.max(...exact.map((entry) => entry.amount)));
        expect(window.read(now, "sum")).toBeGreaterThanOrEqual(sumOf(exact));
        if (steps.length <= 64) expect(window.read(now, "sum")).toBe(sumOf(exact));
      }),
      { numRuns: 500 },
    );
  });

  it("never read less when times come a little out of order", () => {
    const steps = fc.array(fc.record({ gap: fc.nat(40), late: fc.nat(300), amount: fc.nat(9) }), { maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 5_000 }), steps, (windowMs, all) => {
        const window = new RollingWindow(windowMs);
        const entries: Entry[] = [];
        let now = 10_000;
        for (const { gap: pause, late, amount } of all) {
          now += pause;
          window.add(now - late, amount);
          entries.push({ at: now - late, amount });
        }
        const exact = within(entries, now - windowMs);
        expect(window.read(now, "count")).toBe(exact.length);
        expect(window.read(now, "sum")).toBeGreaterThanOrEqual(sumOf(exact));
      }),
      { numRuns: 500 },
    );
  });

  it("go on from a snapshot as if nothing had happened", () => {
    fc.assert(
      fc.property(windowSpan, fc.array(burst, { maxLength: 8 }), fc.nat(7), (windowMs, bursts, cutAt) => {
        let window = new RollingWindow(windowMs);
        const whole = new RollingWindow(windowMs);
        let now = 0;
        for (const [index, { gap: pause, count, pace, amount }] of bursts.entries()) {
          if (index === cutAt) window = RollingWindow.restore(JSON.parse(JSON.stringify(window.snapshot())));
          now += pause;
          for (let added = 0; added < count; added += 1) {
            window.add(now, amount);
            whole.add(now, amount);
            now += pace;
          }
        }
        expect(window.snapshot()).toEqual(whole.snapshot());
      }),
      { numRuns: 300 },
    );
  });
});
