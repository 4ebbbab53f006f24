import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { eventRow } from "./contract/contract-case.test-support.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { openProxy, type TestProxy } from "./postgres-proxy.test-support.ts";
import { openPostgresStore } from "./postgres-store.ts";
import type { Store } from "./store.ts";

const WORKSPACE = "w1";
const UNAVAILABLE = { code: "HB_STORE_UNAVAILABLE" };

let database: TestDatabase;
let proxy: TestProxy;
let store: Store;
let problems: unknown[];

beforeEach(async () => {
  database = await openTestDatabase();
  proxy = await openProxy(database.directUrl);
  problems = [];
  store = await openPostgresStore({
    url: proxy.url,
    statementTimeoutMs: 2_000,
    connectTimeoutMs: 5_000,
    onProblem: (problem) => problems.push(problem),
  });
  await store.workspaces.create({ workspaceId: WORKSPACE, name: "test", createdAtMs: 0 });
});
afterEach(async () => {
  proxy.heal();
  await store.close();
  await proxy.close();
  await database.drop();
});

const row = (seq: number) => eventRow({ workspaceId: WORKSPACE, seq });

describe("a PostgreSQL that is away", () => {
  it("is said to be away by whatever is asked, and goes on when it is back", async () => {
    proxy.cut();
    const asked = await Promise.allSettled([
      store.ping(),
      store.workspaces.get(WORKSPACE),
      store.changes.append(WORKSPACE, "policies", "p"),
      store.events.insert([row(0)]),
      store.budgets.leases(WORKSPACE),
    ]);
    for (const answer of asked) expect(answer).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
    expect(store.events.waiting).toEqual({ count: 0, sizeBytes: 0 });
    proxy.heal();
    await store.ping();
    expect(await store.events.insert([row(0)])).toEqual([true]);
    expect((await store.changes.mark(WORKSPACE)).seq).toBe(0);
  });

  it("refuses all that waits at once, and does not try each alone", async () => {
    proxy.cut();
    const waiting = Array.from({ length: 200 }, (_, seq) => store.events.insert([row(seq)]));
    const answers = await Promise.allSettled(waiting);
    expect(answers.every(({ status }) => status === "rejected")).toBe(true);
  });

  it("is given up where it does not answer, and its connection is not used again", async () => {
    await store.ping();
    proxy.stall();
    await expect(store.ping()).rejects.toMatchObject(UNAVAILABLE);
    proxy.heal();
    await store.ping();
  });

  it("tells of changes again after it is back", async () => {
    const heard: string[] = [];
    const stop = store.changes.listen((workspaceId) => heard.push(workspaceId));
    await vi.waitFor(async () => {
      await store.changes.append(WORKSPACE, "policies", "p");
      expect(heard.length).toBeGreaterThan(0);
    }, 20_000);
    proxy.cut();
    await vi.waitFor(() => expect(problems.length).toBeGreaterThan(0), 20_000);
    proxy.heal();
    heard.length = 0;
    await vi.waitFor(async () => {
      await store.changes.append(WORKSPACE, "policies", "p");
      expect(heard.length).toBeGreaterThan(0);
    }, 20_000);
    stop();
  });

  it("has an event once whose answer was lost, when it is sent again", async () => {
    const seqs = Array.from({ length: 300 }, (_, seq) => seq);
    let lostCount = 0;
    let storedCount = 0;
    const send = async (seq: number): Promise<void> => {
      for (;;) {
        try {
          const [isNew] = await store.events.insert([row(seq)]);
          storedCount += isNew === true ? 1 : 0;
          return;
        } catch {
          lostCount += 1;
        }
      }
    };
    // Twenty at a time, and the way is broken while they are under way.
    for (let from = 0; from < seqs.length; from += 20) {
      const sending = Promise.all(seqs.slice(from, from + 20).map(send));
      await new Promise((resolve) => setImmediate(resolve));
      proxy.breakOnce();
      await sending;
    }
    expect(lostCount).toBeGreaterThan(0);
    expect(storedCount).toBeLessThanOrEqual(seqs.length);
    const { items } = await store.events.search(WORKSPACE, { runId: "r1" }, { limit: 1_000, order: "seq" });
    expect(items.map(({ seq }) => seq)).toEqual(seqs);
    expect(await store.runs.get(WORKSPACE, "r1")).toMatchObject({ eventCount: 300, seqMax: 299 });
  });
});
