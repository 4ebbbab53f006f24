import { describe, expect, it } from "vitest";
import { LeaseBook } from "./lease-book.ts";
import { callNeed, change, KEY, LeaseWorld, moneyNeed, TTL_MS } from "./lease-world.test-support.ts";

interface Opened {
  readonly world: LeaseWorld;
  readonly book: LeaseBook;
}

function open(): Opened {
  const world = new LeaseWorld();
  return { world, book: new LeaseBook({ ...world.desk, runtime: world.runtime }) };
}

/** Asks for a lease and has this much granted. */
async function leased(
  granted: number,
  need = callNeed(),
  remaining = 50,
): Promise<Opened & { readonly end: () => void }> {
  const opened = open();
  const prepared = opened.book.prepare([need]);
  await opened.world.settle();
  opened.world.last.answer({ granted, remaining });
  const end = await prepared;
  opened.world.takeOperations();
  return { ...opened, end };
}

/** Makes one call that counts. */
async function call(book: LeaseBook, id: string): Promise<void> {
  const end = await book.prepare([callNeed()]);
  end();
  book.apply(change("add", 1), id);
}

describe("a lease, when it is asked for", () => {
  it("is asked for what the call needs, and some more", async () => {
    const { world, book } = open();
    expect(book.read(callNeed())).toBeUndefined();
    const prepared = book.prepare([callNeed()]);
    await world.settle();
    const [operation] = world.last.operations;
    expect(operation).toEqual({ op: "request", leaseId: operation?.leaseId, key: KEY, least: 1, amount: 21 });
    world.last.answer({ granted: 5, remaining: 80 });
    (await prepared)();
    expect(book.read(callNeed())).toEqual({ value: 95, used: 15 });
  });

  it("is asked for a hundredth of the limit where calls are not estimated", async () => {
    const { world, book } = open();
    void book.prepare([moneyNeed(0)]);
    await world.settle();
    expect(world.takeOperations()).toMatchObject([{ op: "request", least: 0, amount: 1 }]);
  });

  it("is spent without asking, and renewed in time with what was spent", async () => {
    const { world, book, end } = await leased(8);
    end();
    for (const id of ["a", "b", "c", "d", "e", "f"]) await call(book, id);
    expect(world.posts).toEqual([]);
    // Of eight fewer than two are left to whoever comes.
    const ready = await book.prepare([callNeed()]);
    await world.settle();
    expect(world.takeOperations()).toMatchObject([{ op: "renew", spent: 6, least: 1, amount: 21 }]);
    ready();
  });

  it("is asked for once by calls that come together", async () => {
    const { world, book } = open();
    const prepared = ["a", "b", "c"].map(() => book.prepare([callNeed()]));
    await world.settle();
    world.last.answer({ granted: 21, remaining: 0 });
    await Promise.all(prepared);
    expect(world.posts).toHaveLength(1);
  });

  it("keeps what it has for the calls that it was promised to, until they are decided", async () => {
    const { world, book, end } = await leased(2);
    const first = await book.prepare([callNeed()]);
    // Both are spoken for.
    expect(book.read(callNeed())?.value).toBe(100);
    let isReady = false;
    const third = book.prepare([callNeed()]).then((ready) => {
      isReady = true;
      ready();
    });
    await world.settle();
    // Calls that are about to be decided need their part beside what is asked for ahead.
    expect([world.last.operations, isReady]).toMatchObject([[{ op: "renew", spent: 0, least: 2, amount: 22 }], false]);
    world.last.answer({ granted: 3, remaining: 0 });
    await third;
    first();
    first();
    end();
    expect(book.read(callNeed())?.value).toBe(97);
  });

  it("is asked for by one call alone where there is not enough for all that wait", async () => {
    const { world, book } = open();
    const first = book.prepare([moneyNeed(3)]);
    void book.prepare([moneyNeed(4)]);
    await world.settle();
    world.last.answer({ granted: 0, remaining: 5 });
    await world.settle();
    const [again] = world.posts.slice(1);
    expect(again?.operations).toMatchObject([{ op: "renew", least: 3, amount: 3 }]);
    again?.answer({ granted: 3, remaining: 2 });
    (await first)();
    expect(book.read(moneyNeed(3))?.value).toBe(97);
  });

  it("is not asked for by averages and extremes, which are those of this process", async () => {
    const { world, book } = open();
    const need = moneyNeed(0, { aggregate: "avg", ceiling: undefined });
    (await book.prepare([need]))();
    book.apply(change("add", 4, { metric: "usd", aggregate: "avg", ceiling: undefined }), "a");
    expect([book.read(need)?.value, world.posts]).toEqual([4, []]);
  });
});

describe("a lease that is not granted", () => {
  it("says that there is no room, and is not asked for again for half a second", async () => {
    const { world, book } = open();
    const prepared = book.prepare([callNeed()]);
    await world.settle();
    world.last.answer({ granted: 0, remaining: 0, resetAt: 77 });
    (await prepared)();
    expect(book.read(callNeed())).toEqual({ value: 100, used: 100, resetAtMs: 77 });
    await book.prepare([callNeed()]);
    expect(world.posts).toHaveLength(1);
    await world.advance(500);
    world.takeOperations();
    void book.prepare([callNeed()]);
    await world.settle();
    expect(world.takeOperations()).toMatchObject([{ op: "renew", least: 1 }]);
  });

  it("is asked for again when others were asked to give back, when the control plane says", async () => {
    const { world, book } = open();
    const prepared = book.prepare([callNeed()]);
    await world.settle();
    world.last.answer({ granted: 0, remaining: 0, retryAfterMs: 150 });
    await world.advance(149);
    expect(world.posts).toHaveLength(1);
    await world.advance(1);
    expect(world.posts).toHaveLength(2);
    world.last.answer({ granted: 1, remaining: 0 });
    (await prepared)();
    expect(book.read(callNeed())?.value).toBe(99);
  });

  it("is asked for again in the same name after a lost answer, and given up after two seconds", async () => {
    const { world, book } = open();
    let isOver = false;
    const prepared = book.prepare([callNeed()]).then((end) => {
      isOver = true;
      end();
    });
    await world.settle();
    for (let count = 0; count < 20 && !isOver; count++) {
      world.last.fail();
      await world.advance(300);
    }
    await prepared;
    const ids = new Set(world.posts.flatMap(({ operations }) => operations).map(({ leaseId }) => leaseId));
    expect([ids.size, world.posts.length > 3, world.runtime.clock.monotonicMs() - 1_000_000 <= 2_300]).toEqual([
      1,
      true,
      true,
    ]);
    expect(book.read(callNeed())).toBeUndefined();
  });

  it("counts nothing that a late answer to a request that was given up says", async () => {
    const { world, book } = open();
    const prepared = book.prepare([callNeed()]);
    await world.advance(2_000);
    (await prepared)();
    world.posts[0]?.answer({ granted: 20, remaining: 0 });
    await world.settle();
    expect(book.read(callNeed())).toBeUndefined();
  });
});

describe("a lease of money", () => {
  it("holds the estimate while the call runs, and then what it really was", async () => {
    const { book, end } = await leased(10, moneyNeed(2));
    end();
    book.apply(change("reserve", 2), "a");
    book.apply(change("reserve", 2), "b");
    book.apply(change("reserve", 2), "c");
    expect(book.read(moneyNeed(2))?.value).toBe(96);
    book.apply(change("settle", 0.5), "a");
    expect(book.read(moneyNeed(2))?.value).toBe(94.5);
    book.apply(change("release", 0), "b");
    expect(book.read(moneyNeed(2))?.value).toBe(92.5);
    // What cannot be counted came to its estimate.
    book.apply(change("settle", Number.NaN), "c");
    expect(book.read(moneyNeed(2))?.value).toBe(92.5);
  });

  it("counts more than the estimate where it was more", async () => {
    const { book, end } = await leased(4, moneyNeed(2));
    end();
    book.apply(change("reserve", 2), "a");
    book.apply(change("settle", 5), "a");
    expect(book.read(moneyNeed(2))?.value).toBe(101);
  });

  it("asks for the estimates of calls under way too, when it asks for more", async () => {
    const { world, book, end } = await leased(4, moneyNeed(2));
    end();
    book.apply(change("reserve", 2), "a");
    book.apply(change("reserve", 2), "b");
    void book.prepare([moneyNeed(2)]);
    await world.settle();
    expect(world.takeOperations()).toMatchObject([{ op: "renew", spent: 0, least: 6, amount: 46 }]);
  });
});

describe("a lease of a rule that wants to be exact", () => {
  it("is asked for by every call, for that call alone", async () => {
    const { world, book, end } = await leased(1, callNeed({ exact: true }));
    end();
    book.apply(change("add", 1), "a");
    const prepared = book.prepare([callNeed({ exact: true })]);
    await world.settle();
    expect(world.last.operations).toMatchObject([{ op: "renew", spent: 1, least: 1, amount: 1 }]);
    world.last.answer({ granted: 2, remaining: 50 });
    (await prepared)();
    expect(book.read(callNeed({ exact: true }))?.value).toBe(99);
  });

  it("is worth nothing where no answer came", async () => {
    const { world, book, end } = await leased(5, callNeed({ exact: true }));
    end();
    const prepared = book.prepare([callNeed({ exact: true })]);
    for (let count = 0; count < 9; count++) {
      await world.settle();
      world.last.fail();
      await world.advance(300);
    }
    (await prepared)();
    expect(book.read(callNeed({ exact: true }))).toBeUndefined();
  });
});

describe("the end of a lease", () => {
  it("comes by the monotonic clock, from when it was asked for", async () => {
    const { world, book } = open();
    const prepared = book.prepare([callNeed()]);
    await world.advance(1_500);
    world.last.answer({ granted: 5, remaining: 50 });
    (await prepared)();
    // Wall time is put back by an hour, and nothing changes.
    world.wallStepMs = -3_600_000;
    for (let elapsedMs = 1_500; elapsedMs < TTL_MS - 100; elapsedMs += 100) {
      await world.advance(100);
      for (const post of world.posts) post.fail();
      (await book.prepare([callNeed()]))();
    }
    expect([await ageOf(world), book.read(callNeed())?.value]).toEqual([TTL_MS - 100, 95]);
    await world.advance(100);
    expect(book.read(callNeed())).toBeUndefined();
  });
});

async function ageOf(world: LeaseWorld): Promise<number> {
  await world.settle();
  return world.runtime.clock.monotonicMs() - 1_000_000;
}
