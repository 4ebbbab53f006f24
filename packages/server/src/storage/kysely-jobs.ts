import type { StoreDialect } from "./dialect.ts";
import type { JobsTable } from "./jobs-table.ts";

export function createJobsTable(dialect: StoreDialect): JobsTable {
  return {
    tryLease: (name, holder, ttlMs) =>
      dialect.write(async (tx) => {
        const nowMs = await dialect.nowMs(tx);
        const row = await tx
          .insertInto("job_leases")
          .values({ name, holder, until_ms: nowMs + ttlMs })
          .onConflict((conflict) =>
            conflict
              .column("name")
              .doUpdateSet({ holder, until_ms: nowMs + ttlMs })
              .where((eb) => eb.or([eb("job_leases.holder", "=", holder), eb("job_leases.until_ms", "<=", nowMs)])),
          )
          .returning("name")
          .executeTakeFirst();
        return row !== undefined;
      }),
    release: async (name, holder) => {
      await dialect.write((tx) =>
        tx.deleteFrom("job_leases").where("name", "=", name).where("holder", "=", holder).execute(),
      );
    },
  };
}
