import { sql } from "kysely";
import type { Migration, MigrationContext } from "../migration.ts";

/** Where versions of policies came from, the revision that each came with, and what those in shadow would have done. */
export const policyLife: Migration = {
  version: 5,
  name: "policy life",
  up: async (context) => {
    await addColumns(context);
    await createCounts(context);
  },
};

async function addColumns({ tx, text, bigint }: MigrationContext): Promise<void> {
  await tx.schema
    .alterTable("policy_versions")
    .addColumn("revision", bigint, (column) => column.notNull().defaultTo(0))
    .execute();
  await tx.schema.alterTable("policy_versions").addColumn("made_by", text).execute();
  await tx.schema.alterTable("policy_versions").addColumn("origin", text).execute();
  await tx.schema.alterTable("policy_versions").addColumn("from_version", bigint).execute();
  // Which version came with a revision is asked at every commit of events, and without reading the policies' text.
  await tx.schema
    .createIndex("policy_versions_by_revision")
    .on("policy_versions")
    .columns(["workspace_id", "policy_id", "version", "revision"])
    .execute();
}

async function createCounts({ kind, tx, text, bigint }: MigrationContext): Promise<void> {
  const counts = tx.schema
    .createTable("policy_shadow_counts")
    .addColumn("workspace_id", text, (column) => column.notNull())
    .addColumn("policy_id", text, (column) => column.notNull())
    .addColumn("version", bigint, (column) => column.notNull())
    .addColumn("decision_count", bigint, (column) => column.notNull())
    .addColumn("block_count", bigint, (column) => column.notNull())
    .addColumn("hold_count", bigint, (column) => column.notNull())
    .addColumn("redact_count", bigint, (column) => column.notNull())
    .addColumn("first_at_ms", bigint, (column) => column.notNull())
    .addColumn("last_at_ms", bigint, (column) => column.notNull())
    .addPrimaryKeyConstraint("policy_shadow_counts_key", ["workspace_id", "policy_id", "version"]);
  await (kind === "sqlite" ? counts.modifyEnd(sql`strict`) : counts).execute();
}
