import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWindowStore, type WindowKey, WindowStore } from "./window-store.ts";

const minute = (key: string): WindowKey => ({ key, windowMs: 60_000 });

describe("WindowStore", () => {
  it("keeps keys apart, also the same key with another window", () => {
    const store = createWindowStore();
    store.add(minute("a"), 0, 5);
    store.add({ key: "a", windowMs: 1_000 }, 0, 7);
    store.add({ key: "a" }, 0, 9);
    store.add({ key: "60000\na" }, 0, 11);
    expect(store.size).toBe(4);
    expect(store.read(minute("a"), 0, "sum")).toBe(5);
    expect(store.read({ key: "a", windowMs: 1_000 }, 0, "sum")).toBe(7);
    expect(store.read({ key: "a" }, 0, "sum")).toBe(9);
    expect(store.read(minute("b"), 0, "sum")).toBe(0);
    expect(store.read(minute("b"), 0, "max")).toBe(null);
  });

  it("gives up only empty windows, and knows what it could not count", () => {
    const store = createWindowStore({ keyCountMax: 2 });
    store.add(minute("a"), 0, 1);
    store.add(minute("b"), 30_000, 1);
    expect(store.read(minute("c"), 59_999, "count")).toBe(undefined);
    expect(store.add(minute("c"), 59_999, 1)).toBe(false);
    expect(store.read(minute("a"), 59_999, "count")).toBe(1);
    expect(store.add(minute("d"), 60_000, 1)).toBe(true);
    // What was not counted at 59,999 could have been of any key that was not there, until 119,999.
    expect(store.read(minute("d"), 60_000, "count")).toBe(undefined);
    expect(store.read(minute("b"), 60_000, "count")).toBe(1);
    expect(store.read(minute("e"), 119_998, "count")).toBe(undefined);
    expect(store.read(minute("d"), 119_999, "count")).toBe(1);
    expect(store.read(minute("e"), 119_999, "count")).toBe(0);
  });

  it("never gives up windows without end or with reservations", () => {
    const store = createWindowStore({ keyCountMax: 2 });
    store.add({ key: "total" }, 0, 1);
    store.reserve(minute("held"), "r", { atMs: 0, amount: 3 });
    expect(store.read(minute("c"), 1e12, "count")).toBe(undefined);
    expect(store.reserve(minute("c"), "r", { atMs: 1e12, amount: 1 })).toBe(false);
    expect(store.release(minute("held"), "r")).toBe(true);
    expect(store.reserve(minute("c"), "r", { atMs: 1e12, amount: 1 })).toBe(true);
    expect(store.read({ key: "total" }, 1e12, "count")).toBe(1);
    expect(store.size).toBe(2);
  });

  it("finds room again in a window that was opened after the last look", () => {
    const store = createWindowStore({ keyCountMax: 2 });
    store.add(minute("a"), 0, 1);
    store.add({ key: "short", windowMs: 100 }, 0, 1);
    expect(store.read(minute("c"), 50, "count")).toBe(undefined);
    store.add({ key: "other", windowMs: 10 }, 200, 1);
    expect(store.read(minute("c"), 205, "count")).toBe(undefined);
    expect(store.read(minute("c"), 210, "count")).toBe(0);
  });

  it("settles what was reserved", () => {
    const store = createWindowStore();
    const key = minute("cost");
    expect(store.reserve(key, "call1", { atMs: 0, amount: 100 })).toBe(true);
    expect(store.read(key, 0, "sum")).toBe(100);
    expect(store.settle(key, "call1", { atMs: 5, amount: 40 })).toBe(true);
    expect(store.settle(key, "call1", { atMs: 5, amount: 40 })).toBe(false);
    expect(store.read(key, 5, "sum")).toBe(40);
    expect(store.settle(minute("nope"), "call1", { atMs: 5, amount: 1 })).toBe(false);
    expect(store.countBelowAtMs(key, 5, 1)).toBe(60_005);
    expect(store.countBelowAtMs(minute("nope"), 5, 1)).toBe(undefined);
  });

  it("cannot use a bad key, window or time", () => {
    const store = createWindowStore();
    const bad: readonly WindowKey[] = [
      { key: "x".repeat(1_025) },
      { key: "a", windowMs: 0 },
      { key: "a", windowMs: Number.NaN },
      { key: "a", windowMs: Number.POSITIVE_INFINITY },
    ];
    expect(bad.map((key) => store.read(key, 0, "count"))).toEqual(bad.map(() => undefined));
    expect(bad.map((key) => store.reserve(key, "r", { atMs: 0, amount: 1 }))).toEqual(bad.map(() => false));
    expect(store.reserve(minute("a"), "x".repeat(1_025), { atMs: 0, amount: 1 })).toBe(false);
    expect(bad.map((key) => store.add(key, 0, 1))).toEqual(bad.map(() => false));
    expect(store.read(minute("a"), 1e15, "count")).toBe(undefined);
  });

  it("goes on from its snapshot", () => {
    const store = createWindowStore({ keyCountMax: 3 });
    for (let index = 0; index < 100; index += 1) store.add(minute("a"), index * 7, index);
    store.add({ key: "b" }, 0, 2);
    store.reserve(minute("c"), "r", { atMs: 0, amount: 3 });
    store.add(minute("d"), 10, 1);
    const snapshot: unknown = JSON.parse(JSON.stringify(store.snapshot()));
    const again = WindowStore.restore(snapshot, { keyCountMax: 3 });
    expect(again?.snapshot()).toEqual(store.snapshot());
    expect(again?.read(minute("c"), 20, "sum")).toBe(3);
    expect(again?.settle(minute("c"), "r", { atMs: 20, amount: 1 })).toBe(true);
    expect(again?.read(minute("d"), 20, "count")).toBe(undefined);
    expect(WindowStore.restore(snapshot, { keyCountMax: 2 })).toBe(undefined);
  });

  it("restores nothing from what is no snapshot", () => {
    const window = { windowMs: 10, log: { times: [1, 2], amounts: [1, 1] } };
    const store = (inner: unknown): unknown => ({ windows: [{ key: "a", window: inner }] });
    expect(WindowStore.restore(store(window))?.read({ key: "a", windowMs: 10 }, 5, "sum")).toBe(2);
    const bad = [
      undefined,
      null,
      {},
      { windows: {} },
      { windows: [], lostUntilMs: "x" },
      store(undefined),
      store({ ...window, windowMs: -1 }),
      store({ ...window, totals: [1, 1, 1, 1] }),
      store({ windowMs: 10 }),
      store({ windowMs: 10, log: { times: [2, 1], amounts: [1, 1] } }),
      store({ windowMs: 10, log: { times: [1], amounts: [] } }),
      store({ windowMs: 10, log: { times: [1], rows: [[0.5, 1, 1, 0, 1, 1]] } }),
      store({ windowMs: 10, log: { times: [1], rows: [[1, 1, 1]] } }),
      store({ windowMs: 10, log: { times: [null], amounts: [1] } }),
      store({ ...window, reserved: [["r", "1"]] }),
      store({ totals: [1, 2] }),
      store({ ...window, unknownUntilMs: "soon" }),
    ];
    expect(bad.map((snapshot) => WindowStore.restore(snapshot))).toEqual(bad.map(() => undefined));
  });

  it("never reads less than was added, whatever keys come and go", () => {
    const step = fc.record({
      key: fc.constantFrom("a", "b", "c", "d", "e"),
      windowMs: fc.constantFrom(50, 200),
      gap: fc.nat(60),
      amount: fc.nat(9),
      act: fc.constantFrom("add", "add", "reserve", "settle", "release"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(1, 2, 4, 6, 10), (steps, keyCountMax) => {
        const store = createWindowStore({ keyCountMax });
        const log: { readonly name: string; readonly at: number; readonly amount: number }[] = [];
        const held = new Map<string, number>();
        let now = 0;
        for (const { key, windowMs, gap, amount, act } of steps) {
          now += gap;
          const ref: WindowKey = { key, windowMs };
          const name = `${key}/${windowMs}`;
          if (act === "add") {
            store.add(ref, now, amount);
            log.push({ name, at: now, amount });
          } else if (act === "reserve") {
            if (store.reserve(ref, "r", { atMs: now, amount }) && !held.has(name)) held.set(name, amount);
          } else if (act === "release") {
            expect(store.release(ref, "r")).toBe(held.delete(name));
          } else if (store.settle(ref, "r", { atMs: now, amount })) {
            expect(held.delete(name)).toBe(true);
            log.push({ name, at: now, amount });
          }
          expect(store.size).toBeLessThanOrEqual(keyCountMax);
          const live = log.filter((entry) => entry.name === name && entry.at > now - windowMs);
          const expected = live.reduce((sum, entry) => sum + entry.amount, held.get(name) ?? 0);
          const read = store.read(ref, now, "sum");
          if (read !== undefined) expect(read).toBe(expected);
          if (keyCountMax === 10) expect(read).not.toBe(undefined);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
