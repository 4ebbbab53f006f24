import { HandlebarError } from "@handlebar/protocol";
import type { Migration, MigrationContext } from "./migration.ts";
import { MIGRATIONS } from "./migrations/index.ts";

/** What migrating came to. */
export interface MigrationOutcome {
  readonly from: number;
  readonly to: number;
}

/**
 * Brings the schema to this version within the given transaction, which holds off every other process that would do the same.
 * @throws HandlebarError `HB_STORE_TOO_NEW` where a later version wrote the store, `HB_STORE_MIGRATION` where a step fails.
 */
export async function migrate(
  context: MigrationContext,
  options: { readonly nowMs: number; readonly migrations?: readonly Migration[] | undefined },
): Promise<MigrationOutcome> {
  const { migrations = MIGRATIONS, nowMs } = options;
  await createVersions(context);
  const from = await schemaVersion(context);
  const newest = migrations.at(-1)?.version ?? 0;
  if (from > newest) {
    throw new HandlebarError(
      "HB_STORE_TOO_NEW",
      `the store has schema version ${from}, and this program knows ${newest} at most; run the version that wrote it, or a later one`,
    );
  }
  for (const migration of migrations) {
    if (migration.version > from) await apply(context, migration, nowMs);
  }
  return { from, to: newest };
}

async function schemaVersion({ tx }: MigrationContext): Promise<number> {
  const row = await tx
    .selectFrom("schema_versions")
    .select(({ fn }) => fn.max("version").as("version"))
    .executeTakeFirst();
  return row?.version ?? 0;
}

async function createVersions({ tx, text, bigint }: MigrationContext): Promise<void> {
  await tx.schema
    .createTable("schema_versions")
    .ifNotExists()
    .addColumn("version", bigint, (column) => column.primaryKey())
    .addColumn("name", text, (column) => column.notNull())
    .addColumn("applied_at_ms", bigint, (column) => column.notNull())
    .execute();
}

async function apply(context: MigrationContext, { version, name, up }: Migration, nowMs: number): Promise<void> {
  try {
    await up(context);
    await context.tx.insertInto("schema_versions").values({ version, name, applied_at_ms: nowMs }).execute();
  } catch (cause) {
    throw failed(`step ${version} (\`${name}\`) of the store's schema failed`, cause);
  }
}

function failed(what: string, cause: unknown): HandlebarError {
  return new HandlebarError("HB_STORE_MIGRATION", `${what}; nothing was changed, look at the cause`, { cause });
}
