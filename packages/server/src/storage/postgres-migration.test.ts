import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Migration } from "./migration.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { migratePostgres } from "./postgres-migration.ts";

const NEWEST = MIGRATIONS.length;

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.drop());

/** Every column and index, as text that can be compared. */
const schemaOf = ({ query }: TestDatabase) =>
  query(
    `select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(collation_name, '') as what
       from information_schema.columns where table_schema = 'public'
     union all select indexdef from pg_indexes where schemaname = 'public' order by 1`,
  );

describe("migratePostgres", () => {
  it("makes the schema once, whoever starts at the same time", async () => {
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => migratePostgres({ url: database.url })));
    expect(outcomes.map(({ from }) => from).toSorted()).toEqual([0, NEWEST, NEWEST, NEWEST]);
    expect(outcomes.map(({ to }) => to)).toEqual([NEWEST, NEWEST, NEWEST, NEWEST]);
    expect(await database.query("select version::int from schema_versions order by 1")).toEqual(
      MIGRATIONS.map(({ version }) => ({ version })),
    );
  });

  it("comes to the same from the version before as from nothing", async () => {
    await migratePostgres({ url: database.url }, MIGRATIONS.slice(0, -1));
    expect(await migratePostgres({ url: database.url })).toEqual({ from: NEWEST - 1, to: NEWEST });
    const other = await openTestDatabase();
    await migratePostgres({ url: other.url });
    expect(await schemaOf(database)).toEqual(await schemaOf(other));
    await other.drop();
  });

  it("changes nothing where a step fails", async () => {
    const broken: Migration = {
      version: NEWEST + 1,
      name: "broken",
      up: async ({ tx }) => {
        await tx.schema.createTable("half").addColumn("x", "bigint").execute();
        await tx.schema.alterTable("nowhere").dropColumn("x").execute();
      },
    };
    await migratePostgres({ url: database.url });
    await expect(migratePostgres({ url: database.url }, [...MIGRATIONS, broken])).rejects.toMatchObject({
      code: "HB_STORE_MIGRATION",
    });
    expect(await database.query("select to_regclass('half') as half")).toEqual([{ half: null }]);
    expect(await migratePostgres({ url: database.url })).toEqual({ from: NEWEST, to: NEWEST });
  });

  it("refuses what a later version wrote", async () => {
    await migratePostgres({ url: database.url });
    await expect(migratePostgres({ url: database.url }, MIGRATIONS.slice(0, -1))).rejects.toMatchObject({
      code: "HB_STORE_TOO_NEW",
    });
  });

  it("sorts every text by its bytes", async () => {
    await migratePostgres({ url: database.url });
    const others = await database.query(
      "select table_name, column_name from information_schema.columns where table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C' and table_name <> 'schema_lock'",
    );
    expect(others).toEqual([]);
  });
});
