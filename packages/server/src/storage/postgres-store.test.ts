import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BudgetOperation } from "./budgets-table.ts";
import { eventRow } from "./contract/contract-case.test-support.ts";
import { openTestPostgresStore, type TestPostgresStore } from "./postgres-store.test-support.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { TEST_WORKSPACE } from "./test-store.test-support.ts";

let test: TestPostgresStore;
beforeEach(async () => {
  test = await openTestPostgresStore();
});
afterEach(() => test.close());

function spendOne(at: number, keyText: string): BudgetOperation {
  return {
    op: "spend",
    leaseId: `lease-${at}`,
    clientId: "client",
    key: { policyId: "p", ruleId: "r", index: 0, scope: "workspace", scopeId: keyText },
    keyText,
    limit: { amount: 100, windowMs: 3_600_000, isWhole: true },
    amount: 1,
    spent: 0,
  };
}

describe("openPostgresStore", () => {
  it("tells every process of a change", async () => {
    const other = await test.replica();
    const heard: string[] = [];
    const stop = other.changes.listen((workspaceId) => heard.push(workspaceId));
    await vi.waitFor(async () => {
      await test.store.changes.append(TEST_WORKSPACE, "policies", "p1");
      expect(heard).toContain(TEST_WORKSPACE);
    }, 20_000);
    stop();
    const mark = await other.changes.mark(TEST_WORKSPACE);
    expect(mark.seq).toBe(mark.revision);
    expect(mark.seq).toBeGreaterThan(0);
  });

  it("gives changes numbers without gaps, whichever process makes them", async () => {
    const stores = [test.store, await test.replica(), await test.replica()];
    const marks = await Promise.all(
      Array.from({ length: 60 }, (_, at) => stores[at % 3]?.changes.append(TEST_WORKSPACE, "agents", `a${at}`)),
    );
    const seqs = marks.map((mark) => mark?.seq ?? -1).toSorted((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
    expect((await test.store.changes.since(TEST_WORKSPACE, 0, 100)).map(({ seq }) => seq)).toEqual(seqs);
  });

  it("never grants more than a budget has, whichever process is asked", async () => {
    const stores = [test.store, await test.replica(), await test.replica()];
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, at) =>
        stores[at % 3]?.budgets.apply(TEST_WORKSPACE, [spendOne(at, "one"), spendOne(at, "two")], 60_000),
      ),
    );
    const granted = answers.map((results) => (results ?? []).map((result) => result.granted));
    expect(granted.reduce((sum, [one = 0]) => sum + one, 0)).toBe(100);
    expect(granted.reduce((sum, [, two = 0]) => sum + two, 0)).toBe(100);
  });

  it("lets one process hold a job", async () => {
    const stores = [test.store, await test.replica(), await test.replica()];
    const held = await Promise.all(stores.map((store, at) => store.jobs.tryLease("prune", `p${at}`, 60_000)));
    expect(held.filter(Boolean)).toEqual([true]);
    expect(await Promise.all(stores.map((store, at) => store.jobs.tryLease("prune", `p${at}`, 60_000)))).toEqual(held);
  });

  it("goes on after every connection was ended", async () => {
    await test.store.ping();
    await test.database.disconnectAll();
    await vi.waitFor(() => test.store.ping(), 20_000);
    await test.store.changes.append(TEST_WORKSPACE, "policies", "p1");
    expect((await test.store.changes.mark(TEST_WORKSPACE)).seq).toBe(1);
  });

  it("opens at the same time in several processes, on an empty database", async () => {
    await test.database.query("drop schema public cascade");
    await test.database.query("create schema public");
    const stores = await Promise.all(
      [1, 2, 3].map(() => openPostgresStore({ url: test.database.url, poolSizeMax: 3 })),
    );
    await Promise.all(stores.map((store) => store.ping()));
    expect(
      await test.database.query("select count(*)::int from pg_inherits where inhparent = 'events'::regclass"),
    ).toEqual([{ count: 10 }]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("stores events with the longest ids there may be, and with names that nobody expects", async () => {
    // Nothing that could be compressed, four bytes each.
    const long = (length: number, from: number): string =>
      Array.from({ length }, (_, at) => String.fromCodePoint(0x10000 + ((at * 7_919 + from * 104_729) % 60_000))).join(
        "",
      );
    const row = eventRow({
      workspaceId: TEST_WORKSPACE,
      seq: 0,
      runId: long(256, 1),
      sessionId: long(256, 2),
      actorExternalId: long(256, 3),
      tool: long(20_000, 4),
      ruleId: long(256, 5),
      dropped: [{ runId: long(256, 6), from: 1, to: 2 }],
    });
    expect(await test.store.events.insert([row])).toEqual([true]);
    const { items } = await test.store.events.search(TEST_WORKSPACE, { runId: row.runId }, { limit: 2 });
    expect(items).toEqual([JSON.parse(row.json)]);
    await expect(test.store.budgets.apply(TEST_WORKSPACE, [spendOne(1, long(2_000, 7))], 1_000)).rejects.toMatchObject({
      code: "HB_REQUEST_INVALID",
    });
  });

  it("says that there is no database, and leaves nothing open", async () => {
    await expect(openPostgresStore({ url: "postgres://nobody@127.0.0.1:1/none" })).rejects.toMatchObject({
      code: "HB_STORE_UNAVAILABLE",
    });
  });
});
