import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventRow } from "./contract/contract-case.test-support.ts";
import { createTables, type StoreTables } from "./kysely-tables.ts";
import { SqliteStoreDialect } from "./sqlite-dialect.ts";
import { openForReading, openSqliteFile, type SqliteFile } from "./sqlite-file.ts";
import { SqliteSearches } from "./sqlite-searches.ts";

const workspaceId = "w1";
const unavailable = { code: "HB_STORE_UNAVAILABLE" };

describe("the embedded store on a full disk", () => {
  let folder: string;
  let file: SqliteFile;
  let dialect: SqliteStoreDialect;
  let tables: StoreTables["tables"];
  let release: () => Promise<void>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "handlebar-full-"));
    file = await openSqliteFile(folder);
    const reader = openForReading(file.path);
    const searches = new SqliteSearches(file.path);
    dialect = new SqliteStoreDialect({ writer: file.db, reader, searches, nowMs: Date.now });
    tables = createTables(dialect).tables;
    await tables.workspaces.create({ workspaceId, name: "w", createdAtMs: 0 });
    release = async () => {
      await searches.close();
      reader.close();
      await file.close();
    };
  });
  afterEach(async () => {
    await release();
    await rm(folder, { recursive: true, force: true });
  });

  const fill = () => file.db.pragma(`max_page_count = ${file.db.pragma("page_count", { simple: true })}`);
  const empty = () => file.db.pragma("max_page_count = 1000000");
  const big = (seq: number) => eventRow({ workspaceId, seq, json: JSON.stringify({ pad: "x".repeat(100_000) }) });
  const policy = (id: string) => [{ policyId: id, policy: { id, name: "x".repeat(100_000), rules: [] } }];
  const by = { keyId: "k", nowMs: 0 };

  it("refuses writes whole, reads on, and writes again once there is room", async () => {
    fill();
    await expect(tables.events.insert([big(0), big(1)])).rejects.toMatchObject(unavailable);
    await expect(tables.policies.write(workspaceId, policy("p1"), by)).rejects.toMatchObject(unavailable);
    await expect(dialect.checkWrites()).resolves.toBeUndefined();
    expect(await tables.changes.mark(workspaceId)).toEqual({ workspaceId, seq: 0, revision: 0 });
    expect((await tables.events.search(workspaceId, {}, { limit: 9 })).items).toEqual([]);
    empty();
    expect(await tables.events.insert([big(0)])).toEqual([true]);
    expect(await tables.policies.write(workspaceId, policy("p1"), by)).toMatchObject({ revision: 1 });
  });

  it("does what fits of the writes that shared a commit with one that does not", async () => {
    fill();
    const results = await Promise.allSettled([
      tables.changes.append(workspaceId, "keys", "a"),
      tables.policies.write(workspaceId, policy("p1"), by),
      tables.changes.append(workspaceId, "keys", "b"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: unavailable });
    expect((await tables.changes.since(workspaceId, 0, 9)).map(({ ref }) => ref)).toEqual(["a", "b"]);
  });
});
