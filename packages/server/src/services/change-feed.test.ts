import { describe, expect, it } from "vitest";
import { CHANGE_PAGE_COUNT, CHANGE_POLL_MS } from "../limits.ts";
import { type ChangeBatch, createChangeFeed } from "./change-feed.ts";
import { manualRuntime, settled } from "./manual-runtime.fixture.ts";
import { memoryChanges } from "./memory-changes.fixture.ts";

async function world() {
  const changes = memoryChanges();
  const runtime = manualRuntime();
  const errors: unknown[] = [];
  const batches: ChangeBatch[] = [];
  changes.record("w", "policies", "before");
  const feed = createChangeFeed({ store: { changes }, runtime, onError: (error) => errors.push(error) });
  feed.onChanges((batch) => batches.push(batch));
  await feed.start();
  const refs = (): readonly string[] => batches.flatMap((batch) => batch.changes.map(({ ref }) => ref));
  return { changes, runtime, errors, batches, feed, refs };
}

describe("the change feed", () => {
  it("tells of each change once, in order, and not of those before it started", async () => {
    const { changes, runtime, batches, refs, feed } = await world();
    changes.record("w", "policies", "a");
    await settled();
    changes.record("w", "keys", "b");
    changes.record("other", "lockdowns", "c");
    await settled();
    await runtime.advance(3 * CHANGE_POLL_MS);
    expect(refs()).toEqual(["a", "b", "c"]);
    expect(batches.at(-1)?.workspaceId).toBe("other");
    expect(batches[0]).toMatchObject({ workspaceId: "w", mark: { seq: 2, revision: 2 }, isComplete: true });
    feed.stop();
    changes.record("w", "policies", "late");
    await settled();
    expect([refs().length, runtime.timerCount]).toEqual([3, 0]);
  });

  it("learns within a second of a change whose hint was lost", async () => {
    const { changes, runtime, refs } = await world();
    changes.hasHints = false;
    changes.record("w", "policies", "a");
    await settled();
    expect(refs()).toEqual([]);
    await runtime.advance(CHANGE_POLL_MS);
    expect(refs()).toEqual(["a"]);
  });

  it("goes on after the store was out of reach", async () => {
    const { changes, runtime, refs, errors } = await world();
    changes.failure = new Error("gone");
    changes.record("w", "policies", "a");
    await runtime.advance(3 * CHANGE_POLL_MS);
    expect([refs(), errors.length > 0]).toEqual([[], true]);
    changes.failure = undefined;
    await runtime.advance(CHANGE_POLL_MS);
    expect(refs()).toEqual(["a"]);
  });

  it("has told everything committed before, once `refresh` resolves, also while it reads", async () => {
    const { changes, refs, feed } = await world();
    changes.hasHints = false;
    changes.record("w", "policies", "a");
    const first = feed.refresh("w");
    changes.record("w", "policies", "b");
    const second = feed.refresh("w");
    const third = feed.refresh("w");
    await first;
    await second;
    expect(refs()).toEqual(["a", "b"]);
    await third;
    changes.failure = new Error("gone");
    await expect(feed.refresh("w")).rejects.toThrow("gone");
  });

  it("says when changes are no longer known", async () => {
    const { changes, batches, feed } = await world();
    changes.hasHints = false;
    for (let at = 0; at < 5; at++) changes.record("w", "policies", `p${at}`);
    await changes.prune(5);
    await feed.refresh("w");
    expect(batches).toEqual([
      { workspaceId: "w", mark: { workspaceId: "w", seq: 6, revision: 6 }, changes: [], isComplete: false },
    ]);
    changes.record("w", "policies", "next");
    await feed.refresh("w");
    expect(batches.at(-1)?.changes.map(({ ref }) => ref)).toEqual(["next"]);
  });

  it("reads many changes page by page", async () => {
    const { changes, refs, feed } = await world();
    changes.hasHints = false;
    for (let at = 0; at < CHANGE_PAGE_COUNT * 2 + 1; at++) changes.record("w", "keys", `k${at}`);
    await feed.refresh("w");
    expect(refs()).toEqual(Array.from({ length: CHANGE_PAGE_COUNT * 2 + 1 }, (_, at) => `k${at}`));
  });

  it("lets no listener's failure keep a change from the others", async () => {
    const { changes, feed, errors, refs } = await world();
    feed.onChanges(() => {
      throw new Error("mine");
    });
    const seen: string[] = [];
    feed.onChanges((batch) => seen.push(...batch.changes.map(({ ref }) => ref)));
    changes.record("w", "policies", "a");
    await settled();
    expect([refs(), seen, errors]).toEqual([["a"], ["a"], [new Error("mine")]]);
  });
});
