import { join } from "node:path";
import { CompiledQuery } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventRow } from "./contract/contract-case.test-support.ts";
import { SqliteSearches } from "./sqlite-searches.ts";
import type { Store } from "./store.ts";
import { openTestStore, TEST_WORKSPACE } from "./test-store.test-support.ts";

/** Counts for a long time. */
const ENDLESS =
  "with recursive n(x) as (select 1 union all select x + 1 from n limit 1000000000) select count(*) from n";

describe("searches in a thread of their own", () => {
  let store: Store & { readonly folder: string };
  let searches: SqliteSearches;
  /** Where the searches' time ends when a test says so. */
  let deadlines: (() => void)[];
  const run = (text: string, parameters: readonly unknown[] = []) =>
    searches.executeQuery(CompiledQuery.raw(text, [...parameters]));

  beforeEach(async () => {
    store = await openTestStore();
    deadlines = [];
    const deadline = (run: () => void) => {
      deadlines.push(run);
      return () => undefined;
    };
    searches = new SqliteSearches(join(store.folder, "handlebar.sqlite"), { deadline });
  });
  afterEach(async () => {
    await searches.close();
    await store.close();
  });

  it("see what was committed, and write nothing", async () => {
    await store.events.insert([eventRow({ workspaceId: TEST_WORKSPACE, seq: 3 })]);
    expect(await run("select seq from events where seq = ?", [3])).toEqual({ rows: [{ seq: 3 }] });
    await expect(run("delete from events returning seq")).rejects.toThrow("readonly");
    await expect(run("select 1 from nowhere")).rejects.toThrow("no such table");
  });

  it("leave the store quick, are given up after their time, and go on with the next", async () => {
    const endless = run(ENDLESS).catch((error: unknown) => error);
    const next = run("select 1 as one");
    await expect.poll(() => deadlines.length).toBe(1);
    await store.events.insert([eventRow({ workspaceId: TEST_WORKSPACE, seq: 0 })]);
    deadlines[0]?.();
    expect(await endless).toMatchObject({
      code: "HB_STORE_UNAVAILABLE",
      message: expect.stringContaining("narrow it"),
    });
    expect(await next).toEqual({ rows: [{ one: 1 }] });
  });

  it("refuse more than may wait", async () => {
    const all = Array.from({ length: 300 }, () =>
      run("select 1 as one").then(
        () => "done",
        (error) => error.code,
      ),
    );
    const results = await Promise.all(all);
    expect(new Set(results)).toEqual(new Set(["done", "HB_OVERLOADED"]));
    expect(results.filter((result) => result === "done")).toHaveLength(256);
  });

  it("are refused once they are closed", async () => {
    const endless = run(ENDLESS).catch((error: unknown) => error);
    const waiting = run("select 1").catch((error: unknown) => error);
    await searches.close();
    for (const error of [await endless, await waiting]) expect(error).toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
    await expect(run("select 1")).rejects.toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
  });
});
