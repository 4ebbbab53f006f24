import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventRow } from "./contract/contract-case.test-support.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { backupSqlite, restoreSqlite } from "./sqlite-backup.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const workspaceId = "w1";
const schemaVersion = MIGRATIONS.length;

describe("backup and restore", () => {
  let folder: string;
  let store: string;
  const backup = () => join(folder, "backup.sqlite");
  const open = () => openSqliteStore({ folder: store, durability: "normal" });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "handlebar-backup-"));
    store = join(folder, "store");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("copies a store that is in use, and brings it back with later revisions", async () => {
    const running = await open();
    await running.workspaces.create({ workspaceId, name: "w", createdAtMs: 0 });
    await running.changes.append(workspaceId, "policies", "p");
    await running.events.insert([eventRow({ workspaceId, seq: 0 })]);
    expect(await backupSqlite({ folder: store, to: backup() })).toEqual({
      file: backup(),
      schemaVersion,
      eventCount: 1,
    });
    await running.events.insert([eventRow({ workspaceId, seq: 1 })]);
    await expect(restoreSqlite({ folder: store, from: backup() })).rejects.toMatchObject({ code: "HB_STORE_LOCKED" });
    await running.close();
    const restored = await restoreSqlite({ folder: store, from: backup() });
    expect(restored).toEqual({ schemaVersion, eventCount: 1, keptIn: join(store, "before-restore-1") });
    const again = await open();
    expect((await again.events.search(workspaceId, {}, { limit: 9 })).items.map(({ seq }) => seq)).toEqual([0]);
    expect(await again.changes.mark(workspaceId)).toEqual({ workspaceId, seq: 1_000_001, revision: 1_000_001 });
    expect((await again.changes.append(workspaceId, "policies", "p")).revision).toBe(1_000_002);
    await again.close();
    const second = await restoreSqlite({ folder: store, from: join(store, "before-restore-1", "handlebar.sqlite") });
    expect(second).toEqual({ schemaVersion, eventCount: 2, keptIn: join(store, "before-restore-2") });
  });

  it("restores into a folder that is not there yet", async () => {
    await (await open()).close();
    await backupSqlite({ folder: store, to: backup() });
    const elsewhere = join(folder, "elsewhere");
    expect(await restoreSqlite({ folder: elsewhere, from: backup() })).toMatchObject({ keptIn: undefined });
    await (await openSqliteStore({ folder: elsewhere })).close();
  });

  it("refuses what is no store, what is damaged, what is newer, and to overwrite", async () => {
    const unavailable = { code: "HB_STORE_UNAVAILABLE" };
    await expect(backupSqlite({ folder: store, to: backup() })).rejects.toMatchObject(unavailable);
    await (await open()).close();
    writeFileSync(backup(), "mine");
    await expect(backupSqlite({ folder: store, to: backup() })).rejects.toMatchObject(unavailable);
    await expect(restoreSqlite({ folder: store, from: backup() })).rejects.toMatchObject(unavailable);
    await expect(restoreSqlite({ folder: store, from: join(folder, "nothing") })).rejects.toMatchObject(unavailable);
    const other = join(folder, "other.sqlite");
    const db = new Database(other);
    db.exec("create table mine (x)");
    db.close();
    await expect(restoreSqlite({ folder: store, from: other })).rejects.toMatchObject(unavailable);
    const newer = join(folder, "newer.sqlite");
    await backupSqlite({ folder: store, to: newer });
    const later = new Database(newer);
    later.exec("insert into schema_versions values (99, 'later', 0)");
    later.close();
    await expect(restoreSqlite({ folder: store, from: newer })).rejects.toMatchObject({ code: "HB_STORE_TOO_NEW" });
    expect(existsSync(join(store, "before-restore-1"))).toBe(false);
    await (await open()).close();
  });
});
