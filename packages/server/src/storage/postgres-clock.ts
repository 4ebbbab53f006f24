import { type Kysely, sql } from "kysely";
import type { Database } from "./schema.ts";

/** The database's clock at this moment, within a transaction too, epoch milliseconds. */
export async function databaseNowMs(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{
    readonly now: number;
  }>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError("`clock_timestamp()` gave no row");
  return row.now;
}
