import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { GroupCommit } from "./group-commit.ts";

/** Collects what was committed together; items below zero cannot be done. */
function setUp(
  options: { readonly sizeMax?: number; readonly underWayMax?: number; readonly quietTurnCount?: number } = {},
) {
  const batches: (readonly number[])[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const group = new GroupCommit<number, string>({
    sizeMax: options.sizeMax ?? 100,
    sizeOf: () => 1,
    underWayMax: options.underWayMax ?? 1,
    quietTurnCount: options.quietTurnCount,
    commit: async (items) => {
      batches.push(items);
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      if (items.some((item) => item < 0)) throw new RangeError("below zero");
      if (items.includes(13)) throw new HandlebarError("HB_STORE_UNAVAILABLE", "away");
      return items.map((item) => `done ${item}`);
    },
  });
  return { group, batches, mostUnderWay: () => mostUnderWay };
}

describe("a group commit", () => {
  it("waits for as many quiet turns as it was told, and not once it is full", async () => {
    const { group, batches } = setUp({ quietTurnCount: 3, sizeMax: 5 });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const all = [group.submit(1)];
    for (const item of [2, 3]) {
      await turn();
      await turn();
      all.push(group.submit(item));
    }
    expect(batches).toEqual([]);
    await Promise.all(all);
    const more = [4, 5, 6, 7, 8, 9].map((item) => group.submit(item));
    await turn();
    await turn();
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6, 7, 8],
    ]);
    await Promise.all(more);
    expect(batches.at(-1)).toEqual([9]);
  });

  it("commits together what comes at the same time or while a commit is under way", async () => {
    const { group, batches } = setUp();
    const first = [1, 2, 3].map((item) => group.submit(item));
    await new Promise((resolve) => setImmediate(resolve));
    const second = [4, 5].map((item) => group.submit(item));
    expect(await Promise.all([...first, ...second])).toEqual(["done 1", "done 2", "done 3", "done 4", "done 5"]);
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    await group.idle();
  });

  it("bounds a commit, and how many are under way", async () => {
    const { group, batches, mostUnderWay } = setUp({ sizeMax: 2, underWayMax: 2 });
    await Promise.all([1, 2, 3, 4, 5].map((item) => group.submit(item)));
    expect(batches).toEqual([[1, 2], [3, 4], [5]]);
    expect(mostUnderWay()).toBe(2);
  });

  it("does alone what failed together, so that only what cannot be done fails", async () => {
    const { group, batches } = setUp();
    const results = await Promise.allSettled([1, -2, 3].map((item) => group.submit(item)));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(batches).toEqual([[1, -2, 3], [1], [-2], [3]]);
    expect(await group.submit(4)).toBe("done 4");
  });

  it("gives up all of it at once while the database is away", async () => {
    const { group, batches } = setUp();
    const results = await Promise.allSettled([1, 13, 2].map((item) => group.submit(item)));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(batches).toHaveLength(1);
  });

  it("is idle once nothing waits", async () => {
    const { group, batches } = setUp({ sizeMax: 1 });
    for (const item of [1, 2, 3]) void group.submit(item);
    await group.idle();
    expect(batches).toEqual([[1], [2], [3]]);
  });
});
