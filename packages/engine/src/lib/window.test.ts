import { describe, expect, it } from "vitest";
import { type Aggregate, createWindow, RollingWindow, type WindowReading } from "./window.ts";

const AGGREGATES: readonly Aggregate[] = ["count", "sum", "avg", "min", "max"];
const all = (window: RollingWindow, nowMs: number): readonly WindowReading[] =>
  AGGREGATES.map((aggregate) => window.read(nowMs, aggregate));

describe("RollingWindow", () => {
  it("lets an amount leave when it is exactly as old as the window", () => {
    const window = createWindow({ windowMs: 1_000 });
    window.add(0, 4);
    window.add(500, 2);
    expect(all(window, 999)).toEqual([2, 6, 3, 2, 4]);
    expect(all(window, 1_000)).toEqual([1, 2, 2, 2, 2]);
    expect(all(window, 1_500)).toEqual([0, 0, null, null, null]);
  });

  it("counts since the beginning without a window", () => {
    const window = createWindow();
    expect(all(window, 0)).toEqual([0, 0, null, null, null]);
    for (let index = 1; index <= 2_000; index += 1) window.add(index * 1e6, index % 7);
    expect(all(window, 1e15)).toEqual([2_000, 6_000, 3, 0, 6]);
    expect(window.emptyAtMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("takes times in any order, and counts what lies in the future", () => {
    const window = createWindow({ windowMs: 1_000 });
    for (const at of [500, 100, 900, 300]) window.add(at, at);
    expect(all(window, 1_150)).toEqual([3, 1_700, 1_700 / 3, 300, 900]);
    expect(window.read(0, "count")).toBe(4);
  });

  it("counts exactly up to 1,024 and never too little beyond", () => {
    const window = createWindow({ windowMs: 60_000 });
    for (let index = 0; index < 1_024; index += 1) window.add(index * 10, 1);
    expect(window.read(60_000, "count")).toBe(1_023);
    for (let index = 1_024; index < 3_000; index += 1) window.add(index * 10, 1);
    expect(window.read(30_000, "count")).toBe(3_000);
    expect(window.read(65_000, "count")).toBe(2_500);
    expect(window.read(65_005, "count")).toBe(2_500);
    expect(window.read(89_990, "count")).toBe(0);
  });

  it("gathers sums into buckets that count whole until they have left", () => {
    const window = createWindow({ windowMs: 60_000 });
    for (let index = 0; index < 600; index += 1) window.add(index * 100, 1);
    expect(window.read(60_000, "sum")).toBe(600);
    expect(window.read(60_999, "sum")).toBe(600);
    expect(window.read(61_000, "sum")).toBe(590);
    expect(window.read(119_999, "sum")).toBe(10);
    expect(window.read(120_000, "sum")).toBe(0);
  });

  it("leaves negative amounts of the oldest bucket out of the sum", () => {
    const window = createWindow({ windowMs: 60_000 });
    for (let index = 0; index < 100; index += 1) window.add(index, index % 2 === 0 ? 10 : -10);
    window.add(30_000, 5);
    expect(window.read(30_000, "sum")).toBe(5);
    expect(window.read(60_050, "sum")).toBe(505);
    expect(window.read(60_050, "min")).toBe(-10);
  });

  it("holds reservations in count and sum until they are settled or released", () => {
    const window = createWindow({ windowMs: 1_000 });
    window.add(0, 5);
    expect(window.reserve("a", 10)).toBe(true);
    expect(window.reserve("a", 99)).toBe(true);
    expect(window.reserve("b", -3)).toBe(true);
    expect(all(window, 100)).toEqual([3, 15, 5, 5, 5]);
    expect(window.emptyAtMs()).toBe(Number.POSITIVE_INFINITY);
    expect(window.settle("a", 200, 7)).toBe(true);
    expect(window.settle("a", 200, 7)).toBe(false);
    expect(window.release("b")).toBe(true);
    expect(window.release("b")).toBe(false);
    expect(all(window, 200)).toEqual([2, 12, 6, 5, 7]);
    expect(all(window, 1_200)).toEqual([0, 0, null, null, null]);
  });

  it("refuses a reservation past its bound or without an amount", () => {
    const window = createWindow({ windowMs: 1_000 });
    for (let index = 0; index < 1_024; index += 1) window.reserve(`r${index}`, 1);
    expect(window.reserve("one more", 1)).toBe(false);
    expect(window.reserve("r0", 1)).toBe(true);
    window.release("r0");
    expect(window.reserve("nan", Number.NaN)).toBe(false);
    expect(window.read(0, "count")).toBe(1_023);
  });

  it("is unknown while an amount that is no number would be in the window", () => {
    const window = createWindow({ windowMs: 1_000 });
    expect(window.add(100, Number.NaN)).toBe(false);
    window.add(200, 3);
    expect(all(window, 1_099)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(all(window, 1_100)).toEqual([1, 3, 3, 3, 3]);
    expect(window.read(Number.NaN, "count")).toBe(undefined);
    expect(window.add(Number.NaN, 1)).toBe(false);
    expect(window.read(1e15, "count")).toBe(undefined);
    const endless = createWindow();
    endless.add(0, Number.POSITIVE_INFINITY);
    expect(endless.read(1e15, "sum")).toBe(undefined);
  });

  it("says when the count falls below a limit", () => {
    const window = createWindow({ windowMs: 1_000 });
    for (const at of [0, 100, 200]) window.add(at, 1);
    expect(window.countBelowAtMs(300, 3)).toBe(1_000);
    expect(window.countBelowAtMs(300, 1)).toBe(1_200);
    expect(window.countBelowAtMs(300, 4)).toBe(300);
    expect(window.countBelowAtMs(300, 0)).toBe(undefined);
    window.reserve("r", 1);
    expect(window.countBelowAtMs(300, 3)).toBe(1_100);
    expect(window.countBelowAtMs(300, 1)).toBe(undefined);
    expect(createWindow().countBelowAtMs(0, 3)).toBe(undefined);
  });

  it("goes on from its snapshot", () => {
    const windows = [createWindow({ windowMs: 60_000 }), createWindow({ windowMs: 500 }), createWindow()];
    for (const window of windows) {
      for (let index = 0; index < 1_500; index += 1) window.add(index * 30, (index % 13) - 3);
      window.reserve("r", 4);
    }
    windows[1]?.markUnknown(46_000);
    for (const window of windows) {
      const again = RollingWindow.restore(JSON.parse(JSON.stringify(window.snapshot())));
      expect(again.snapshot()).toEqual(window.snapshot());
      for (const nowMs of [45_000, 46_000, 80_000, 200_000]) expect(all(again, nowMs)).toEqual(all(window, nowMs));
      expect(again.emptyAtMs()).toBe(window.emptyAtMs());
    }
  });
});
