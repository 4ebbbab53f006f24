import { sql } from "kysely";
import { BUDGET_EXACT_ENTRY_COUNT } from "../limits.ts";
import { chunks, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import type { WriteTransaction } from "./dialect.ts";

/** Into how many parts of the window older entries are put. */
const CELL_COUNT = 128;

interface Window {
  readonly keyText: string;
  readonly sinceMs: number;
  readonly nowMs: number;
}

/** Puts old entries of a window together, each at the time of the latest of them, so that none ceases to count early. */
export async function compactSpending(
  tx: WriteTransaction,
  workspaceId: string,
  { keyText, sinceMs, nowMs }: Window,
): Promise<void> {
  const entries = await tx
    .selectFrom("budget_buckets")
    .select(["end_ms", "used"])
    .where("workspace_id", "=", workspaceId)
    .where("key_text", "=", keyText)
    .where("end_ms", ">", sinceMs)
    .orderBy("end_ms")
    .execute();
  const old = entries.slice(0, Math.max(0, entries.length - BUDGET_EXACT_ENTRY_COUNT));
  const cellMs = Math.max(1, (nowMs - sinceMs) / CELL_COUNT);
  const cells = new Map<number, { atMs: number; used: number }>();
  for (const { end_ms: atMs, used } of old) {
    const cell = Math.floor(atMs / cellMs);
    cells.set(cell, { atMs, used: (cells.get(cell)?.used ?? 0) + used });
  }
  const last = old.at(-1);
  if (last === undefined || cells.size === old.length) return;
  await sql`delete from budget_buckets where workspace_id = ${workspaceId} and key_text = ${keyText}
    and end_ms > ${sinceMs} and end_ms <= ${last.end_ms}`.execute(tx);
  const rows = [...cells.values()].map(({ atMs, used }) => ({
    workspace_id: workspaceId,
    key_text: keyText,
    end_ms: atMs,
    used,
  }));
  for (const some of chunks(rows, STATEMENT_ROW_COUNT_MAX)) {
    await tx.insertInto("budget_buckets").values(some).execute();
  }
}
