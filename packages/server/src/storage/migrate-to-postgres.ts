import { HandlebarError } from "@handlebar/protocol";
import type { PostgresPoolClient } from "kysely";
import { type CopiedRow, type CopiedTable, type CopiedValue, CopySource } from "./copy-source.ts";
import { bigintArray, doubleArray, textArray } from "./postgres-array.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { beginCopy, endCopy, eventsCopied, noteEventsCopied } from "./postgres-copy-state.ts";
import { migratePostgres } from "./postgres-migration.ts";
import type { PostgresOptions } from "./postgres-options.ts";
import { PostgresPartitions } from "./postgres-partitions.ts";
import { openSqliteFile } from "./sqlite-file.ts";

/** How far a copy has come. */
export interface CopyProgress {
  readonly table: string;
  readonly copiedRows: number;
  readonly totalRows: number;
}

export interface MigrateToPostgresOptions {
  /** The folder of the embedded store, whose server has stopped. */
  readonly folder: string;
  readonly postgres: PostgresOptions;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** Rows of each table that are in both stores. */
export interface CopyOutcome {
  readonly tables: Readonly<Record<string, number>>;
}

/**
 * Copies an embedded store into an empty PostgreSQL, by primary key, and compares the counts. Events go in steps that are kept, so that a copy that was
 * interrupted goes on where it stopped; the other tables are written anew each time. Until it has ended no server starts on that database.
 * @throws HandlebarError `HB_STORE_LOCKED` while a server uses the folder, `HB_CONFLICT` when the database holds something else or the copy ended before.
 */
export async function migrateToPostgres(options: MigrateToPostgresOptions): Promise<CopyOutcome> {
  const source = await openSqliteFile(options.folder);
  try {
    await migratePostgres(options.postgres);
    const connections = new PostgresConnections({ ...options.postgres, poolSizeMax: 2 });
    try {
      return await copyAll(new CopySource(source.db), connections, options.onProgress ?? (() => undefined));
    } finally {
      await connections.end();
    }
  } finally {
    await source.close();
  }
}

type Report = (progress: CopyProgress) => void;

async function copyAll(source: CopySource, connections: PostgresConnections, report: Report): Promise<CopyOutcome> {
  await beginCopy(connections);
  const partitions = new PostgresPartitions(connections);
  await partitions.ensureDays(source.eventTimes());
  const counts: Record<string, number> = {};
  for (const table of source.tables()) {
    const copy = new TableCopy({ source, table, connections, report });
    counts[table.name] = table.name === "events" ? await copy.resume() : await copy.replace();
  }
  await endCopy(connections);
  return { tables: counts };
}

class TableCopy {
  readonly #source: CopySource;
  readonly #table: CopiedTable;
  readonly #connections: PostgresConnections;
  readonly #report: Report;
  readonly #totalRows: number;

  constructor(given: {
    readonly source: CopySource;
    readonly table: CopiedTable;
    readonly connections: PostgresConnections;
    readonly report: Report;
  }) {
    this.#source = given.source;
    this.#table = given.table;
    this.#connections = given.connections;
    this.#report = given.report;
    this.#totalRows = given.source.count(given.table);
  }

  /** Empties the table and copies all of it, in one transaction. */
  async replace(): Promise<number> {
    await this.#connections.transaction(async (connection) => {
      await connection.query(`delete from ${this.#table.name}`, []);
      let copiedRows = 0;
      for (const rows of this.#pages(undefined)) {
        await this.#insert(connection, rows);
        copiedRows += rows.length;
        this.#report({ table: this.#table.name, copiedRows, totalRows: this.#totalRows });
      }
    });
    return this.#verify();
  }

  /** Copies what lies behind the last page that was kept; all of it once more where the counts then differ, as when the source grew in between. */
  async resume(): Promise<number> {
    await this.#copyBehind(await eventsCopied(this.#connections));
    if ((await this.#count()) !== this.#totalRows) await this.#copyBehind(undefined);
    return this.#verify();
  }

  async #copyBehind(after: readonly CopiedValue[] | undefined): Promise<void> {
    let copiedRows = after === undefined ? 0 : await this.#count();
    for (const rows of this.#pages(after)) {
      const last = this.#keyOf(rows.at(-1) ?? {});
      await this.#connections.transaction(async (connection) => {
        await this.#insert(connection, rows);
        await noteEventsCopied(connection, last);
      });
      copiedRows += rows.length;
      this.#report({ table: this.#table.name, copiedRows, totalRows: this.#totalRows });
    }
  }

  *#pages(after: readonly CopiedValue[] | undefined): Generator<readonly CopiedRow[]> {
    let key = after;
    for (;;) {
      const rows = this.#source.page(this.#table, key);
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows;
      key = this.#keyOf(last);
    }
  }

  #keyOf(row: CopiedRow): readonly CopiedValue[] {
    return this.#table.key.map((column) => row[column] ?? null);
  }

  async #insert(connection: PostgresPoolClient, rows: readonly CopiedRow[]): Promise<void> {
    const { name, columns } = this.#table;
    const types = await columnTypes(connection, name);
    const arrays = columns.map((column) =>
      arrayOf(
        types.get(column),
        rows.map((row) => row[column] ?? null),
      ),
    );
    const unfolded = columns.map((column, at) => `$${at + 1}::${types.get(column)}[]`).join(", ");
    await connection.query(
      `insert into ${name} (${columns.join(", ")}) select * from unnest(${unfolded}) on conflict do nothing`,
      arrays,
    );
  }

  async #count(): Promise<number> {
    const [row] = await this.#connections.query<{ count: number }>(`select count(*) as count from ${this.#table.name}`);
    return row?.count ?? 0;
  }

  async #verify(): Promise<number> {
    const count = await this.#count();
    if (count === this.#totalRows) return count;
    throw new HandlebarError(
      "HB_CONFLICT",
      `\`${this.#table.name}\` has ${this.#totalRows} rows here and ${count} there; look at what else writes to that database, and start again`,
    );
  }
}

async function columnTypes(connection: PostgresPoolClient, table: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await connection.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
    [table],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

function arrayOf(type: string | undefined, values: readonly CopiedValue[]): Buffer {
  if (type === "text") return textArray(values.map((value) => (value === null ? null : String(value))));
  const numbers = values.map((value) => (value === null ? null : Number(value)));
  return type === "bigint" ? bigintArray(numbers) : doubleArray(numbers);
}
