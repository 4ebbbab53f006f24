import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventRow } from "./contract/contract-case.test-support.ts";
import type { Migration } from "./migration.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const workspaceId = "w1";
const NFS = 0x6969;

describe("the embedded store", () => {
  let folder: string;

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "handlebar-sqlite-")), "deep", ".handlebar");
  });
  afterEach(() => rm(join(folder, "..", ".."), { recursive: true, force: true }));

  it("makes its folder for its owner alone, and keeps what it was given", async () => {
    const store = await openSqliteStore({ folder });
    await store.workspaces.create({ workspaceId, name: "w", createdAtMs: 1 });
    await store.events.insert([eventRow({ workspaceId, seq: 0 })]);
    await store.ping();
    await store.close();
    await store.close();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const again = await openSqliteStore({ folder });
    expect((await again.events.search(workspaceId, {}, { limit: 9 })).items).toHaveLength(1);
    await again.close();
  });

  it("loses nothing to a power cut by default: every commit is flushed", async () => {
    const file = await openSqliteFile(folder);
    expect(file.db.pragma("synchronous", { simple: true })).toBe(2);
    expect(file.db.pragma("journal_mode", { simple: true })).toBe("wal");
    await file.close();
    const quick = await openSqliteFile(folder, { durability: "normal" });
    expect(quick.db.pragma("synchronous", { simple: true })).toBe(1);
    await quick.close();
  });

  it("refuses a second server on its folder until the first has gone", async () => {
    const first = await openSqliteStore({ folder });
    await expect(openSqliteStore({ folder })).rejects.toMatchObject({ code: "HB_STORE_LOCKED" });
    await first.ping();
    await first.close();
    await (await openSqliteStore({ folder })).close();
  });

  it("refuses a network file system before it writes anything", async () => {
    const opened = openSqliteStore({ folder, fileSystemType: () => NFS });
    await expect(opened).rejects.toMatchObject({ code: "HB_STORE_NETWORK_FS" });
    const cifs = openSqliteStore({ folder, fileSystemType: () => 0xff534d42 | 0 });
    await expect(cifs).rejects.toThrow("CIFS");
    expect(existsSync(join(folder, "handlebar.sqlite"))).toBe(false);
  });

  it("refuses a store of a later version, another program's file, and what is no database", async () => {
    const file = await openSqliteFile(folder);
    file.db.exec("insert into schema_versions values (99, 'later', 0)");
    await file.close();
    await expect(openSqliteStore({ folder })).rejects.toMatchObject({ code: "HB_STORE_TOO_NEW" });
    const other = new Database(join(folder, "handlebar.sqlite"));
    other.pragma("application_id = 1");
    other.close();
    await expect(openSqliteStore({ folder })).rejects.toThrow("is not a Handlebar store");
  });

  it("answers coded errors once it is closed", async () => {
    const store = await openSqliteStore({ folder });
    await store.close();
    const unavailable = { code: "HB_STORE_UNAVAILABLE" };
    await expect(store.ping()).rejects.toMatchObject(unavailable);
    await expect(store.changes.append(workspaceId, "keys", "k")).rejects.toMatchObject(unavailable);
    await expect(store.events.insert([eventRow({ workspaceId, seq: 0 })])).rejects.toMatchObject(unavailable);
    await expect(store.events.search(workspaceId, {}, { limit: 1 })).rejects.toMatchObject(unavailable);
  });

  it("finishes what is under way when it is closed", async () => {
    const store = await openSqliteStore({ folder });
    const inserted = store.events.insert([eventRow({ workspaceId, seq: 0 })]);
    const created = store.workspaces.create({ workspaceId, name: "w", createdAtMs: 1 });
    await store.close();
    expect(await inserted).toEqual([true]);
    expect(await created).toBe(true);
  });
});

describe("migrations of the embedded store", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "handlebar-migrations-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const schemaOf = (db: Database.Database) =>
    db.prepare("select type, name, sql from sqlite_schema where name not like 'sqlite_%' order by name").all();

  it("come to the same from empty as from the version before, and keep what is there", async () => {
    const empty = await openSqliteFile(join(folder, "a"));
    const before = await openSqliteFile(join(folder, "b"), { migrations: MIGRATIONS.slice(0, -1) });
    before.db.exec("insert into workspaces values ('w1', 'w', 0, 3, 2)");
    await before.close();
    const after = await openSqliteFile(join(folder, "b"));
    expect(schemaOf(after.db)).toEqual(schemaOf(empty.db));
    expect(after.db.prepare("select version, name from schema_versions order by version").all()).toEqual(
      MIGRATIONS.map(({ version, name }) => ({ version, name })),
    );
    expect(after.db.prepare("select revision from workspaces").get()).toEqual({ revision: 2 });
    await empty.close();
    await after.close();
  });

  it("give versions of policies from before revisions were kept what is decided from then on", async () => {
    const before = await openSqliteFile(folder, { migrations: MIGRATIONS.slice(0, 4) });
    before.db.exec(`insert into workspaces values ('w1', 'w', 0, 2, 2);
      insert into policy_versions values ('w1', 'p', 1, null, 'why', 1, 'k'), ('w1', 'p', 2, '{"name":"p","rules":[]}', null, 2, 'k')`);
    await before.close();
    const { policies, events, close } = await openSqliteStore({ folder });
    expect(
      (await policies.versions(workspaceId, "p")).map(({ version, origin, revision }) => [version, origin, revision]),
    ).toEqual([
      [2, "saved", 0],
      [1, "deleted", 0],
    ]);
    const shadow = { revision: 2, outcomes: [{ policyId: "p", would: "block" as const }] };
    await events.insert([eventRow({ workspaceId, seq: 0, kind: "tool.decision", shadow })]);
    expect(await policies.shadowCounts(workspaceId)).toMatchObject([{ version: 2, decisionCount: 1, blockCount: 1 }]);
    await close();
  });

  it("are numbered from 1 without gaps", () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, at) => at + 1));
  });

  it("change nothing when a step fails", async () => {
    const failing: Migration = {
      version: MIGRATIONS.length + 1,
      name: "failing",
      up: async ({ tx }) => {
        await tx.schema.dropTable("events").execute();
        await sql`select no_such_function()`.execute(tx);
      },
    };
    await (await openSqliteFile(folder)).close();
    const failed = openSqliteFile(folder, { migrations: [...MIGRATIONS, failing] });
    await expect(failed).rejects.toMatchObject({ code: "HB_STORE_MIGRATION", cause: { message: /no_such_function/ } });
    const after = await openSqliteFile(folder);
    expect(after.db.prepare("select count(*) as n from events").get()).toEqual({ n: 0 });
    await after.close();
  });
});
