import { type RawBuilder, sql } from "kysely";
import { BUDGET_LEASE_KEPT_MS } from "../limits.ts";
import { inSlices, SLICE_ROW_COUNT } from "./batches.ts";
import type { StoreDialect } from "./dialect.ts";
import { IS_OPEN } from "./kysely-budget-reads.ts";
import type { BudgetHeadRow } from "./schema.ts";

/** Written out, not as a parameter, so that the index of such leases is used. */
const IS_DONE: RawBuilder<boolean> = sql<boolean>`status <> 'open'`;

/** Budgets that one transaction looks after. */
const HEAD_COUNT = 100;

/** Into what stretches spending is put together that has left its window: a policy may ask for a longer one later. */
const OLD_CELL_MS = 3_600_000;

/**
 * Forgets what was spent before `beforeMs`, leases of that time, and leases that have been done for long; puts together what has left its window.
 * @returns how many rows were forgotten.
 */
export async function pruneBudgets(dialect: StoreDialect, beforeMs: number): Promise<number> {
  const nowMs = await dialect.nowMs(dialect.reads);
  const done = await inSlices(() => deleteDoneLeases(dialect, Math.max(beforeMs, nowMs - BUDGET_LEASE_KEPT_MS)));
  const open = await deleteOpenLeases(dialect, beforeMs);
  let spent = 0;
  let last: BudgetHeadRow | undefined;
  for (;;) {
    const heads = await nextHeads(dialect, last);
    spent += await deleteSpending(dialect, heads, beforeMs);
    last = heads.at(-1);
    await mergeOldSpending(dialect, heads, nowMs);
    if (heads.length < HEAD_COUNT) return done + open + spent;
  }
}

/** Of a lease that is done all that counts stands among what was spent; its row only tells a message that comes again. */
function deleteDoneLeases(dialect: StoreDialect, beforeMs: number): Promise<number> {
  return dialect.write(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom("budget_leases")
      .where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple("workspace_id", "key_text", "lease_id"),
          "in",
          selectFrom("budget_leases")
            .select(["workspace_id", "key_text", "lease_id"])
            .where(IS_DONE)
            .where("expires_at_ms", "<", beforeMs)
            .limit(SLICE_ROW_COUNT)
            .$asTuple("workspace_id", "key_text", "lease_id"),
        ),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  });
}

function deleteOpenLeases(dialect: StoreDialect, beforeMs: number): Promise<number> {
  return dialect.write(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom("budget_leases")
      .where(IS_OPEN)
      .where("expires_at_ms", "<", beforeMs)
      .executeTakeFirst();
    return Number(numDeletedRows);
  });
}

function nextHeads(dialect: StoreDialect, last: BudgetHeadRow | undefined): Promise<readonly BudgetHeadRow[]> {
  const query = dialect.reads.selectFrom("budget_heads").selectAll();
  const after =
    last === undefined
      ? query
      : query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("workspace_id", "key_text"), ">", tuple(last.workspace_id, last.key_text)),
        );
  return after.orderBy("workspace_id").orderBy("key_text").limit(HEAD_COUNT).execute();
}

/** What was spent of some budgets, and the budgets themselves where nobody has used them since. */
function deleteSpending(dialect: StoreDialect, heads: readonly BudgetHeadRow[], beforeMs: number): Promise<number> {
  if (heads.length === 0) return Promise.resolve(0);
  return dialect.write(async (tx) => {
    let count = 0n;
    for (const workspaceId of new Set(heads.map((head) => head.workspace_id))) {
      const keys = heads.filter((head) => head.workspace_id === workspaceId).map((head) => head.key_text);
      const { numDeletedRows } = await tx
        .deleteFrom("budget_buckets")
        .where("workspace_id", "=", workspaceId)
        .where("key_text", "in", keys)
        .where("end_ms", "<", beforeMs)
        .executeTakeFirst();
      count += numDeletedRows;
      await tx
        .deleteFrom("budget_heads")
        .where("workspace_id", "=", workspaceId)
        .where("key_text", "in", keys)
        .where("used_at_ms", "<", beforeMs)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom("budget_leases")
                .select("lease_id")
                .whereRef("budget_leases.workspace_id", "=", "budget_heads.workspace_id")
                .whereRef("budget_leases.key_text", "=", "budget_heads.key_text"),
            ),
          ),
        )
        .execute();
    }
    return Number(count);
  });
}

interface OldCell {
  readonly workspace_id: string;
  readonly key_text: string;
  readonly cell: number;
  readonly at_ms: number;
  readonly used: number;
}

/** What has left its window counts from the latest time of its hour, should a longer window ask for it. */
async function mergeOldSpending(dialect: StoreDialect, heads: readonly BudgetHeadRow[], nowMs: number): Promise<void> {
  if (heads.length === 0) return;
  await dialect.write(async (tx) => {
    const { rows } = await oldCells(heads, nowMs).execute(tx);
    for (const { workspace_id, key_text, cell, at_ms: end_ms, used } of rows) {
      await tx
        .deleteFrom("budget_buckets")
        .where("workspace_id", "=", workspace_id)
        .where("key_text", "=", key_text)
        .where("end_ms", ">=", cell)
        .where("end_ms", "<=", end_ms)
        .execute();
      await tx.insertInto("budget_buckets").values({ workspace_id, key_text, end_ms, used }).execute();
    }
  });
}

function oldCells(heads: readonly BudgetHeadRow[], nowMs: number): RawBuilder<OldCell> {
  const ofHeads = heads.map(
    ({ workspace_id, key_text, window_ms }) =>
      sql`(workspace_id = ${workspace_id} and key_text = ${key_text}
        and end_ms < ${nowMs - Math.max(window_ms, OLD_CELL_MS)})`,
  );
  const cell = sql`end_ms - end_ms % ${sql.lit(OLD_CELL_MS)}`;
  return sql<OldCell>`select workspace_id, key_text, ${cell} as cell, max(end_ms) as at_ms, sum(used) as used
    from budget_buckets where ${sql.join(ofHeads, sql` or `)}
    group by workspace_id, key_text, ${cell} having count(*) > 1`;
}
