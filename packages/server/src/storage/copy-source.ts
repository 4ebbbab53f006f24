import type BetterSqlite3 from "better-sqlite3";

/** A value of a table, as both databases hold it. */
export type CopiedValue = string | number | null;

export type CopiedRow = Readonly<Record<string, CopiedValue>>;

/** A table to copy. */
export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
}

const PAGE_ROWS_MAX = 1_000;

/** Characters of text after which a page ends: one event may be large. */
const PAGE_SIZE_MAX = 4 * 1024 * 1024;

/** The form that the store has, and which process does what there. */
const OWN_TABLES: ReadonlySet<string> = new Set(["schema_versions", "job_leases"]);

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Reads the tables of an embedded store, one page after the other, by primary key. */
export class CopySource {
  readonly #db: BetterSqlite3.Database;

  constructor(db: BetterSqlite3.Database) {
    this.#db = db;
  }

  /** All but those that are about the store itself. */
  tables(): readonly CopiedTable[] {
    const names = this.#db
      .prepare<[], { name: string }>(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name",
      )
      .all();
    return names.filter(({ name }) => !OWN_TABLES.has(name)).map(({ name }) => this.#table(name));
  }

  #table(name: string): CopiedTable {
    const columns = this.#db
      .prepare<[string], { name: string; pk: number }>("select name, pk from pragma_table_info(?) order by cid")
      .all(name);
    const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk);
    return { name, columns: columns.map((column) => column.name), key: key.map((column) => column.name) };
  }

  count({ name }: CopiedTable): number {
    return this.#db.prepare<[], { count: number }>(`select count(*) as count from ${quoted(name)}`).get()?.count ?? 0;
  }

  /** The next rows behind `after` (the key of the last row of the page before), in the order of the key. */
  page(table: CopiedTable, after: readonly CopiedValue[] | undefined): readonly CopiedRow[] {
    const key = table.key.map(quoted).join(", ");
    const where = after === undefined ? "" : ` where (${key}) > (${after.map(() => "?").join(", ")})`;
    const statement = this.#db.prepare<CopiedValue[], CopiedRow>(
      `select * from ${quoted(table.name)}${where} order by ${key} limit ${PAGE_ROWS_MAX}`,
    );
    const rows: CopiedRow[] = [];
    let size = 0;
    for (const row of statement.iterate(...(after ?? []))) {
      rows.push(row);
      for (const value of Object.values(row)) size += typeof value === "string" ? value.length : 0;
      if (size >= PAGE_SIZE_MAX) break;
    }
    return rows;
  }

  /** The times (epoch milliseconds, one for each day) of which there are events. */
  eventTimes(): readonly number[] {
    return this.#db
      .prepare<[], { time: number }>("select min(ts_ms) as time from events group by ts_ms / 86400000")
      .all()
      .map(({ time }) => time);
  }
}
