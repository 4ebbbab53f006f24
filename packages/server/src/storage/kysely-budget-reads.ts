import { type Kysely, type RawBuilder, sql } from "kysely";
import { chunks } from "./batches.ts";
import type { BudgetLimit, BudgetsTable } from "./budgets-table.ts";
import type { StoreDialect } from "./dialect.ts";
import type { Database } from "./schema.ts";

/** Budgets of one query. */
export const BUDGET_COUNT_MAX = 100;

/** What was spent of a budget within its window. */
export interface Spending {
  readonly used: number;
  /** How many rows that is. */
  readonly entryCount: number;
  readonly oldestAtMs: number | undefined;
}

/** What open leases of a budget may still spend. */
export interface Held {
  readonly amount: number;
  readonly openCount: number;
}

/** Where a budget's window starts: what was spent later counts. */
export interface WindowStart {
  readonly keyText: string;
  readonly sinceMs: number;
}

/** Written out, not as a parameter, so that the index of open leases is used. */
export const IS_OPEN: RawBuilder<boolean> = sql<boolean>`status = 'open'`;

const NOTHING: Spending = { used: 0, entryCount: 0, oldestAtMs: undefined };

export async function readSpending(
  db: Kysely<Database>,
  workspaceId: string,
  windows: readonly WindowStart[],
): Promise<ReadonlyMap<string, Spending>> {
  const found = new Map<string, Spending>();
  for (const some of chunks(windows, BUDGET_COUNT_MAX)) {
    const rows = await db
      .selectFrom("budget_buckets")
      .select(({ fn, eb }) => [
        "key_text",
        fn.sum<number>("used").as("used"),
        fn.countAll<number>().as("entry_count"),
        fn.min<number | null>(eb.case().when("used", ">", 0).then(eb.ref("end_ms")).end()).as("oldest_at_ms"),
      ])
      .where("workspace_id", "=", workspaceId)
      .where((eb) =>
        eb.or(some.map(({ keyText, sinceMs }) => eb.and([eb("key_text", "=", keyText), eb("end_ms", ">", sinceMs)]))),
      )
      .groupBy("key_text")
      .execute();
    for (const row of rows) {
      const { used, entry_count: entryCount, oldest_at_ms: oldestAtMs } = row;
      found.set(row.key_text, { used, entryCount, oldestAtMs: oldestAtMs ?? undefined });
    }
  }
  return new Map(windows.map(({ keyText }) => [keyText, found.get(keyText) ?? NOTHING]));
}

/** What open leases may still spend; only of those that ran out after `sinceMs`, where a budget has that. */
export async function readHeld(
  db: Kysely<Database>,
  workspaceId: string,
  budgets: readonly { readonly keyText: string; readonly sinceMs?: number }[],
): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>();
  for (const some of chunks(budgets, BUDGET_COUNT_MAX)) {
    const rows = await db
      .selectFrom("budget_leases")
      .select(({ fn, eb }) => [
        "key_text",
        fn.sum<number>(eb("granted", "-", eb.ref("spent"))).as("held"),
        fn.countAll<number>().as("open_count"),
      ])
      .where("workspace_id", "=", workspaceId)
      .where(IS_OPEN)
      .where((eb) =>
        eb.or(
          some.map(({ keyText, sinceMs }) => {
            const ofKey = eb("key_text", "=", keyText);
            return sinceMs === undefined ? ofKey : eb.and([ofKey, eb("expires_at_ms", ">", sinceMs)]);
          }),
        ),
      )
      .groupBy("key_text")
      .execute();
    for (const row of rows) held.set(row.key_text, { amount: row.held, openCount: row.open_count });
  }
  return held;
}

/** What is spent or leased now; a lease that ran out counts as spent when it did. */
export async function readBudgets(
  dialect: StoreDialect,
  workspaceId: string,
  budgets: readonly { readonly keyText: string; readonly limit: BudgetLimit }[],
): ReturnType<BudgetsTable["read"]> {
  const nowMs = await dialect.nowMs(dialect.reads);
  const results: { used: number; resetAtMs: number | undefined }[] = [];
  // One after the other: the same budget may be asked for with two windows.
  for (const { keyText, limit } of budgets) {
    const window = { keyText, sinceMs: nowMs - limit.windowMs };
    const spending = (await readSpending(dialect.reads, workspaceId, [window])).get(keyText) ?? NOTHING;
    const held = (await readHeld(dialect.reads, workspaceId, [window])).get(keyText)?.amount ?? 0;
    const { oldestAtMs } = spending;
    results.push({
      used: spending.used + held,
      resetAtMs: oldestAtMs === undefined ? undefined : oldestAtMs + limit.windowMs,
    });
  }
  return results;
}
