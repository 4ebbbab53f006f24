import type { LeaseOperation } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { LeaseBook } from "./lease-book.ts";
import { callNeed, change, KEY, LeaseWorld, moneyNeed } from "./lease-world.test-support.ts";

interface Opened {
  readonly world: LeaseWorld;
  readonly book: LeaseBook;
  readonly leaseId: string;
}

/** A lease of which this much was granted, and that nobody uses. */
async function leased(granted: number, need = callNeed()): Promise<Opened> {
  const world = new LeaseWorld();
  const book = new LeaseBook({ ...world.desk, runtime: world.runtime });
  const prepared = book.prepare([need]);
  await world.settle();
  world.last.answer({ granted, remaining: 50 });
  (await prepared)();
  const [operation] = world.takeOperations();
  return { world, book, leaseId: operation?.leaseId ?? "" };
}

/** What was asked about in the meantime: each answer comes at once and grants what is asked for. */
async function pass(world: LeaseWorld, ms: number): Promise<readonly LeaseOperation[]> {
  for (let elapsedMs = 0; elapsedMs < ms; elapsedMs += 100) {
    await world.advance(100);
    for (const post of world.posts) {
      post.answer(...post.operations.map((one) => ({ granted: "amount" in one ? one.amount : 0, remaining: 50 })));
    }
    await world.settle();
  }
  return world.takeOperations();
}

describe("what was spent under a lease", () => {
  it("is reported after two seconds, once", async () => {
    const { world, book, leaseId } = await leased(5);
    book.apply(change("add", 1), "a");
    expect(await pass(world, 1_900)).toEqual([]);
    expect(await pass(world, 1_000)).toEqual([{ op: "settle", leaseId, key: KEY, spent: 1 }]);
    expect(await pass(world, 1_500)).toEqual([]);
  });

  it("is reported again after a lost answer, and never less", async () => {
    const { world, book, leaseId } = await leased(5);
    book.apply(change("add", 1), "a");
    await world.advance(2_000);
    world.last.fail();
    await world.settle();
    world.takeOperations();
    book.apply(change("add", 1), "b");
    expect(await pass(world, 2_500)).toEqual([{ op: "settle", leaseId, key: KEY, spent: 2 }]);
  });

  it("is reported also where no lease could be had", async () => {
    const world = new LeaseWorld();
    const book = new LeaseBook({ ...world.desk, runtime: world.runtime });
    book.apply(change("add", 2), "a");
    const [operation] = await pass(world, 600);
    expect(operation).toEqual({ op: "return", leaseId: operation?.leaseId, key: KEY, spent: 2 });
    expect(await pass(world, 5_000)).toEqual([]);
  });
});

describe("a lease that is not used", () => {
  it("is given back after half its time, with what was spent", async () => {
    const { world, book, leaseId } = await leased(5);
    book.apply(change("add", 1), "a");
    expect((await pass(world, 4_900)).map(({ op }) => op)).toEqual(["settle"]);
    expect(await pass(world, 600)).toEqual([{ op: "return", leaseId, key: KEY, spent: 1 }]);
    expect(book.read(callNeed())).toBeUndefined();
    expect(await pass(world, 10_000)).toEqual([]);
  });

  it("is given back also where nothing is left of it, and not renewed for ever", async () => {
    const { world, book, leaseId } = await leased(8);
    book.apply(change("add", 8), "a");
    expect((await pass(world, 5_500)).map(({ op }) => op)).toEqual(["settle", "return"]);
    book.recall(leaseId);
    expect(await pass(world, 10_000)).toEqual([]);
  });

  it("is given back again and again, until the control plane knows", async () => {
    const { world, leaseId } = await leased(5);
    await world.advance(5_000);
    for (let count = 0; count < 3; count++) {
      expect(world.takeOperations()).toEqual([{ op: "return", leaseId, key: KEY, spent: 0 }]);
      // Nothing is answered within two seconds.
      await world.advance(2_500);
    }
    expect(await pass(world, 500)).toMatchObject([{ op: "return", leaseId }]);
    expect(await pass(world, 5_000)).toEqual([]);
  });

  it("is given back but for calls under way, which go on under another one", async () => {
    const { world, book, leaseId } = await leased(5, moneyNeed(2));
    book.apply(change("reserve", 2), "a");
    const operations = await pass(world, 5_500);
    expect(operations).toMatchObject([
      { op: "return", leaseId, spent: 0 },
      { op: "request", least: 2, amount: 2 },
    ]);
    expect(new Set(operations.map((one) => one.leaseId)).size).toBe(2);
    book.apply(change("settle", 1.5), "a");
    expect(await pass(world, 3_000)).toMatchObject([{ op: "settle", leaseId: operations[1]?.leaseId, spent: 1.5 }]);
  });
});

describe("a lease that is used", () => {
  it("is renewed when half its time has passed, for what calls under way need", async () => {
    const { world, book, leaseId } = await leased(2, moneyNeed(2));
    book.apply(change("reserve", 2), "a");
    expect(await pass(world, 5_500)).toMatchObject([{ op: "renew", leaseId, spent: 0, least: 2, amount: 2 }]);
    expect(book.read(moneyNeed(2))?.value).toBe(100);
  });

  it("ends with what was spent where it cannot be renewed; calls under way ask for another one", async () => {
    const { world, book, leaseId } = await leased(5, moneyNeed(2));
    book.apply(change("reserve", 2), "a");
    book.apply(change("add", 3), "b");
    await world.advance(11_000);
    expect(book.read(moneyNeed(2))).toBeUndefined();
    world.takeOperations();
    // The control plane is there again, and is asked when it has been left alone for long enough.
    const operations = await pass(world, 6_000);
    expect(operations).toContainEqual({ op: "return", leaseId, key: KEY, spent: 3 });
    const asked = operations.filter(({ op }) => op === "request");
    expect(asked).toMatchObject([{ least: 2, amount: 2 }]);
    expect(asked[0]?.leaseId).not.toBe(leaseId);
  });
});

describe("a lease that is called back", () => {
  it("is given back at once where nothing needs it", async () => {
    const { world, book, leaseId } = await leased(5);
    book.apply(change("add", 2), "a");
    book.recall(leaseId);
    await world.settle();
    expect(world.takeOperations()).toEqual([{ op: "return", leaseId, key: KEY, spent: 2 }]);
    expect(book.read(callNeed())).toBeUndefined();
  });

  it("keeps what calls under way need, under another lease", async () => {
    const { world, book, leaseId } = await leased(5, moneyNeed(2));
    book.apply(change("reserve", 2), "a");
    book.recall(leaseId);
    await world.settle();
    const [returned, asked] = world.takeOperations();
    expect([returned, asked]).toMatchObject([
      { op: "return", leaseId, spent: 0 },
      { op: "request", least: 2, amount: 2 },
    ]);
  });

  it("is left alone where all of it is needed, and given back when it is not", async () => {
    const { world, book, leaseId } = await leased(10, moneyNeed(2));
    for (const id of ["a", "b", "c", "d", "e"]) book.apply(change("reserve", 2), id);
    book.recall(leaseId);
    await world.settle();
    expect(world.posts).toEqual([]);
    for (const id of ["a", "b", "c", "d"]) book.apply(change("release", 0), id);
    book.apply(change("settle", 1), "e");
    expect(await pass(world, 600)).toMatchObject([{ op: "return", leaseId, spent: 1 }]);
  });

  it("is given back after the call that was promised a part of it", async () => {
    const { world, book, leaseId } = await leased(50);
    const end = await book.prepare([callNeed()]);
    book.recall(leaseId);
    await world.settle();
    expect([world.posts, book.read(callNeed())?.value]).toEqual([[], 51]);
    end();
    book.apply(change("add", 1), "a");
    expect(await pass(world, 600)).toMatchObject([{ op: "return", leaseId, spent: 1 }]);
  });

  it("is nothing to whoever does not have it", async () => {
    const { world, book } = await leased(5);
    book.recall("another");
    await world.settle();
    expect([world.posts, book.read(callNeed())?.value]).toEqual([[], 95]);
  });

  it("takes no grant over that was on its way, and calls are let through under the next one alone", async () => {
    const { world, book, leaseId } = await leased(5);
    book.apply(change("add", 5), "a");
    const prepared = book.prepare([callNeed()]);
    await world.settle();
    const renewal = world.last;
    expect(renewal.operations).toMatchObject([{ op: "renew", leaseId, spent: 5 }]);
    book.recall(leaseId);
    renewal.answer({ granted: 10, remaining: 0 });
    (await prepared)();
    await world.settle();
    expect(await pass(world, 600)).toContainEqual({ op: "return", leaseId, key: KEY, spent: 5 });
  });
});

describe("leases when the client ends", () => {
  it("are given back, and calls that have not ended count as estimated", async () => {
    const { world, book, leaseId } = await leased(9, moneyNeed(2));
    book.apply(change("add", 1), "a");
    book.apply(change("reserve", 2), "b");
    const closed = book.close();
    await world.settle();
    expect(world.takeOperations()).toEqual([{ op: "return", leaseId, key: KEY, spent: 3 }]);
    expect(book.read(moneyNeed(2))).toBeUndefined();
    await world.advance(2_000);
    await closed;
    await world.advance(10_000);
    expect(world.takeOperations()).toEqual([]);
  });
});
