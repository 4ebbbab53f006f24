import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Policy } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, eventIdAt, eventRow } from "./contract/contract-case.test-support.ts";
import { type CopyProgress, migrateToPostgres } from "./migrate-to-postgres.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { Store } from "./store.ts";
import { TEST_WORKSPACE } from "./test-store.test-support.ts";

const EVENT_COUNT = 2_500;
const POLICY: Policy = {
  id: "p",
  name: "p",
  rules: [{ id: "p/r", name: "r", on: "tool.before", effect: { type: "block", reason: 'quotes " and ü\u0001' } }],
};
const BY = { keyId: "k", nowMs: DAY_MS };

let database: TestDatabase;
let folder: string;
let source: Store;

beforeEach(async () => {
  database = await openTestDatabase();
  folder = mkdtempSync(join(tmpdir(), "handlebar-migrate-"));
  source = await openSqliteStore({ folder, durability: "normal", nowMs: () => DAY_MS });
  await source.workspaces.create({ workspaceId: TEST_WORKSPACE, name: "test", createdAtMs: 0 });
});
afterEach(async () => {
  await source.close();
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

/** Some of everything, with events of three days and of long ago. */
async function fill(): Promise<void> {
  const { agents, budgets, events, keys, lockdowns, policies, runStates } = source;
  const workspaceId = TEST_WORKSPACE;
  await source.workspaces.create({ workspaceId: "other", name: "Other", createdAtMs: 7 });
  await policies.write(workspaceId, [{ policyId: "p", policy: POLICY }], BY);
  await policies.write(workspaceId, [{ policyId: "p", policy: { ...POLICY, enabled: false } }], BY);
  await agents.upsert(workspaceId, {
    agent: { slug: "support" },
    tools: [{ name: "refund" }],
    candidateId: "a",
    nowMs: DAY_MS,
  });
  await lockdowns.create({
    workspaceId,
    lockdown: { lockdownId: "stop", scope: { kind: "workspace" } },
    createdAtMs: DAY_MS,
    createdBy: "k",
  });
  await keys.create({
    workspaceId,
    keyId: "key1",
    name: "key",
    secretHash: "00",
    scopes: ["admin"],
    createdAtMs: DAY_MS,
    expiresAtMs: undefined,
    lastUsedAtMs: undefined,
    revokedAtMs: undefined,
    replacedBy: undefined,
  });
  const key = { policyId: "p", ruleId: "p/r", index: 0, scope: "workspace", scopeId: "" } as const;
  const limit = { amount: 10.5, windowMs: 3_600_000, isWhole: false };
  await budgets.apply(
    workspaceId,
    [{ op: "spend", leaseId: "l", clientId: "c", key, keyText: "k", limit, amount: 0.3, spent: 0 }],
    1_000,
  );
  const state = { runId: "r1", startedAtMs: 1, snapshotJson: "{}", isTerminated: false, version: 1 };
  await runStates.put(workspaceId, [state], DAY_MS);
  const rows = Array.from({ length: EVENT_COUNT }, (_, seq) =>
    eventRow({
      workspaceId: seq % 5 === 0 ? "other" : workspaceId,
      seq,
      runId: `r${seq % 7}`,
      eventId: eventIdAt(DAY_MS + (seq % 3) * 86_400_000 - (seq === 0 ? 800 * 86_400_000 : 0), seq),
    }),
  );
  for (let at = 0; at < rows.length; at += 500) await events.insert(rows.slice(at, at + 500));
  await events.insert([
    eventRow({ workspaceId, seq: 9_000, kind: "events.dropped", dropped: [{ runId: "r1", from: 8_000, to: 8_500 }] }),
  ]);
}

/** What a store answers of all of that. */
async function contents({ agents, budgets, changes, events, keys, lockdowns, policies, runs, runStates }: Store) {
  const workspaceId = TEST_WORKSPACE;
  const seen: unknown[] = [];
  for (const id of [workspaceId, "other"]) {
    let cursor: string | undefined;
    do {
      const page = await events.scan(id, {}, { limit: 1_000, cursor });
      seen.push(...page.items.map(({ json }) => JSON.parse(json)));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }
  return {
    events: seen,
    runs: await runs.list(workspaceId, {}, { limit: 100 }),
    gaps: await runs.gaps(workspaceId, "r1"),
    policies: await policies.list(workspaceId),
    versions: await policies.versions(workspaceId, "p"),
    agents: await agents.list(workspaceId, { limit: 10 }),
    tools: await agents.tools(workspaceId, "a"),
    keys: await keys.list(workspaceId),
    lockdowns: await lockdowns.list(workspaceId, 10),
    leases: await budgets.leases(workspaceId),
    state: await runStates.get(workspaceId, "r1"),
    changes: await changes.since(workspaceId, 0, 100),
    marks: await changes.marks(),
  };
}

const ordered = (given: Awaited<ReturnType<typeof contents>>) => ({
  ...given,
  marks: given.marks.toSorted((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1)),
});

const copy = (onProgress?: (progress: CopyProgress) => void) =>
  migrateToPostgres({ folder, postgres: { url: database.url }, onProgress });

async function copied() {
  const store = await openPostgresStore({ url: database.url, nowMs: () => DAY_MS });
  try {
    return ordered(await contents(store));
  } finally {
    await store.close();
  }
}

describe("migrateToPostgres", () => {
  it("copies everything, so that the new store answers as the old one did", async () => {
    await fill();
    const before = ordered(await contents(source));
    await source.close();
    const steps: CopyProgress[] = [];
    const outcome = await copy((step) => steps.push(step));
    expect(outcome.tables).toMatchObject({ events: EVENT_COUNT + 1, workspaces: 2, policy_versions: 2 });
    expect(steps.filter(({ table }) => table === "events").at(-1)).toEqual({
      table: "events",
      copiedRows: EVENT_COUNT + 1,
      totalRows: EVENT_COUNT + 1,
    });
    const partitions = await database.query<{ name: string; count: number }>(
      "select tableoid::regclass::text as name, count(*)::int from events group by 1 order by 1",
    );
    expect(partitions.map(({ name }) => name)).toEqual([
      "events_20231025",
      "events_20260102",
      "events_20260103",
      "events_20260104",
    ]);
    expect(await copied()).toEqual(before);
  });

  it("goes on where it was interrupted, and lets no server start before it has ended", async () => {
    await fill();
    const before = ordered(await contents(source));
    await source.close();
    const interrupted = copy(({ table, copiedRows }) => {
      if (table === "events" && copiedRows === 1_000) throw new Error("interrupted");
    });
    await expect(interrupted).rejects.toThrow("interrupted");
    await expect(openPostgresStore({ url: database.url })).rejects.toMatchObject({ code: "HB_STORE_MIGRATION" });
    const steps: number[] = [];
    await copy(({ table, copiedRows }) => {
      if (table === "events") steps.push(copiedRows);
    });
    expect(steps).toEqual([2_000, EVENT_COUNT + 1]);
    expect(await copied()).toEqual(before);
  });

  it("takes in what the old store got between two attempts", async () => {
    await fill();
    await source.close();
    const interrupted = copy(({ table, copiedRows }) => {
      if (table === "events" && copiedRows === 2_000) throw new Error("interrupted");
    });
    await expect(interrupted).rejects.toThrow("interrupted");
    source = await openSqliteStore({ folder, durability: "normal", nowMs: () => DAY_MS });
    await source.events.insert([eventRow({ workspaceId: "other", seq: 1, runId: "late", eventId: eventIdAt(9, 9) })]);
    await source.policies.write(TEST_WORKSPACE, [{ policyId: "p", policy: undefined }], BY);
    const before = ordered(await contents(source));
    await source.close();
    await copy();
    expect(await copied()).toEqual(before);
  });

  it("refuses while a server uses the folder", async () => {
    await expect(copy()).rejects.toMatchObject({ code: "HB_STORE_LOCKED" });
  });

  it("refuses a database that holds a store, and one that it copied to before", async () => {
    const store = await openPostgresStore({ url: database.url });
    await store.workspaces.create({ workspaceId: "w", name: "w", createdAtMs: 0 });
    await store.close();
    await source.close();
    await expect(copy()).rejects.toMatchObject({ code: "HB_CONFLICT" });
    await database.query("delete from workspaces");
    await copy();
    await expect(copy()).rejects.toMatchObject({ code: "HB_CONFLICT" });
  });
});
