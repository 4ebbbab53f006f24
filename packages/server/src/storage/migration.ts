import type { ColumnDataType, RawBuilder } from "kysely";
import type { WriteTransaction } from "./dialect.ts";

/** What a migration needs to know of the database. */
export interface MigrationContext {
  readonly tx: WriteTransaction;
  readonly kind: "sqlite" | "postgres";
  /** Type of ids and other text, sorted by its bytes. */
  readonly text: ColumnDataType | RawBuilder<unknown>;
  /** Type of whole numbers up to 2^53. */
  readonly bigint: ColumnDataType | RawBuilder<unknown>;
  /** Type of other numbers. */
  readonly double: ColumnDataType | RawBuilder<unknown>;
}

/** One step of the schema. Steps only ever go forward, and one that was released is never changed. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  readonly name: string;
  readonly up: (context: MigrationContext) => Promise<void>;
}
