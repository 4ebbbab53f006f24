import { BUDGET_ENTRY_COUNT_MAX } from "../limits.ts";
import { chunks, compareIds, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import { BudgetLedger, type BudgetPosition, type LedgerLease } from "./budget-ledger.ts";
import type { BudgetOperation, BudgetResult } from "./budgets-table.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { toJson } from "./json-column.ts";
import { compactSpending } from "./kysely-budget-compaction.ts";
import { BUDGET_COUNT_MAX, IS_OPEN, readHeld, readSpending } from "./kysely-budget-reads.ts";
import type { BudgetBucketRow, LeaseRow } from "./schema.ts";

/** What one caller asks for. */
export interface BudgetRequest {
  readonly workspaceId: string;
  readonly operations: readonly BudgetOperation[];
  readonly leaseTtlMs: number;
}

interface Step {
  readonly operation: BudgetOperation;
  readonly leaseTtlMs: number;
  readonly caller: number;
  readonly at: number;
}

/** Does what several callers ask for in one transaction: one workspace after the other, each in as few rounds as its windows allow. */
export function commitBudgets(
  dialect: StoreDialect,
  requests: readonly BudgetRequest[],
): Promise<readonly (readonly BudgetResult[])[]> {
  return dialect.write(async (tx) => {
    const results = requests.map((): BudgetResult[] => []);
    const workspaceIds = [...new Set(requests.map(({ workspaceId }) => workspaceId))].toSorted(compareIds);
    for (const workspaceId of workspaceIds) {
      const steps = requests.flatMap((request, caller) =>
        request.workspaceId !== workspaceId
          ? []
          : request.operations.map((operation, at) => ({ operation, leaseTtlMs: request.leaseTtlMs, caller, at })),
      );
      await lockBudgets(dialect, tx, { workspaceId, steps });
      // Once the budgets are held, so that it never lies before what their last holder wrote.
      const nowMs = await dialect.nowMs(tx);
      for (const round of roundsOf(steps)) {
        for (const [step, result] of await commitRound(tx, { workspaceId, steps: round }, nowMs)) {
          const ofCaller = results[step.caller];
          if (ofCaller !== undefined) ofCaller[step.at] = result;
        }
      }
    }
    return results;
  });
}

interface Round {
  readonly workspaceId: string;
  readonly steps: readonly Step[];
}

/** Steps whose budgets have one window each; what comes to a budget after another window's step waits for the next round. */
function roundsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const rounds: Step[][] = [];
  const lastOf = new Map<string, { readonly round: number; readonly window: string }>();
  for (const step of steps) {
    const { keyText, limit } = step.operation;
    const window = `${limit.windowMs} ${step.leaseTtlMs}`;
    const last = lastOf.get(keyText);
    const round = last === undefined ? 0 : last.round + (last.window === window ? 0 : 1);
    lastOf.set(keyText, { round, window });
    const known = rounds[round];
    if (known === undefined) rounds.push([step]);
    else known.push(step);
  }
  return rounds;
}

/** Makes each budget's head and holds it until the transaction ends, in the order of their keys. */
async function lockBudgets(dialect: StoreDialect, tx: WriteTransaction, { workspaceId, steps }: Round): Promise<void> {
  const nowMs = await dialect.nowMs(tx);
  const keys = new Map(steps.map(({ operation }) => [operation.keyText, operation]));
  const heads = [...keys.entries()]
    .toSorted(([a], [b]) => compareIds(a, b))
    .map(([keyText, { key, limit }]) => ({
      workspace_id: workspaceId,
      key_text: keyText,
      key: toJson(key),
      window_ms: Math.ceil(limit.windowMs),
      used_at_ms: nowMs,
    }));
  for (const some of chunks(heads, STATEMENT_ROW_COUNT_MAX)) {
    await tx
      .insertInto("budget_heads")
      .values(some)
      .onConflict((conflict) =>
        conflict
          .columns(["workspace_id", "key_text"])
          .doUpdateSet(({ ref }) => ({ used_at_ms: nowMs, window_ms: ref("excluded.window_ms") })),
      )
      .execute();
  }
}

async function commitRound(
  tx: WriteTransaction,
  round: Round,
  nowMs: number,
): Promise<readonly (readonly [Step, BudgetResult])[]> {
  const { workspaceId, steps } = round;
  const first = new Map(steps.toReversed().map((step) => [step.operation.keyText, step]));
  const windows = [...first.values()].map(({ operation: { keyText, limit } }) => ({
    keyText,
    sinceMs: nowMs - limit.windowMs,
  }));
  const spending = await readSpending(tx, workspaceId, windows);
  const held = await readHeld(
    tx,
    workspaceId,
    windows.map(({ keyText }) => ({ keyText })),
  );
  const leases = await readLeases(tx, round, nowMs);
  const ledgers = new Map<string, BudgetLedger>();
  for (const [keyText, { operation, leaseTtlMs }] of first) {
    const position: BudgetPosition = {
      used: spending.get(keyText)?.used ?? 0,
      oldestAtMs: spending.get(keyText)?.oldestAtMs,
      held: held.get(keyText)?.amount ?? 0,
      openCount: held.get(keyText)?.openCount ?? 0,
      leases: leases.get(keyText) ?? new Map(),
    };
    ledgers.set(keyText, new BudgetLedger(position, { nowMs, windowMs: operation.limit.windowMs, leaseTtlMs }));
  }
  const results = steps.flatMap((step): (readonly [Step, BudgetResult])[] => {
    const ledger = ledgers.get(step.operation.keyText);
    return ledger === undefined ? [] : [[step, ledger.apply(step.operation)]];
  });
  await writeLedgers(tx, workspaceId, ledgers);
  for (const { keyText, sinceMs } of windows) {
    const entryCount = (spending.get(keyText)?.entryCount ?? 0) + (ledgers.get(keyText)?.spending.size ?? 0);
    if (entryCount > BUDGET_ENTRY_COUNT_MAX) await compactSpending(tx, workspaceId, { keyText, sinceMs, nowMs });
  }
  return results;
}

/** The leases that steps name, and those of their budgets that ran out, by budget. */
async function readLeases(
  tx: WriteTransaction,
  { workspaceId, steps }: Round,
  nowMs: number,
): Promise<ReadonlyMap<string, Map<string, LedgerLease>>> {
  const found = new Map<string, Map<string, LedgerLease>>();
  for (const some of chunks(steps, BUDGET_COUNT_MAX)) {
    const keys = [...new Set(some.map(({ operation }) => operation.keyText))];
    const ids = [...new Set(some.map(({ operation }) => operation.leaseId))];
    const ofKeys = tx
      .selectFrom("budget_leases")
      .selectAll()
      .where("workspace_id", "=", workspaceId)
      .where("key_text", "in", keys);
    const named = await ofKeys.where("lease_id", "in", ids).execute();
    const ranOut = await ofKeys.where(IS_OPEN).where("expires_at_ms", "<=", nowMs).execute();
    for (const row of [...named, ...ranOut]) {
      const ofBudget = found.get(row.key_text) ?? new Map<string, LedgerLease>();
      found.set(row.key_text, ofBudget);
      if (!ofBudget.has(row.lease_id)) ofBudget.set(row.lease_id, toLease(row));
    }
  }
  return found;
}

async function writeLedgers(
  tx: WriteTransaction,
  workspaceId: string,
  ledgers: ReadonlyMap<string, BudgetLedger>,
): Promise<void> {
  const leases: LeaseRow[] = [];
  const entries: BudgetBucketRow[] = [];
  for (const [keyText, ledger] of ledgers) {
    for (const lease of ledger.leases) if (lease.isChanged) leases.push(toRow(workspaceId, keyText, lease));
    for (const [atMs, used] of ledger.spending) {
      if (used !== 0) entries.push({ workspace_id: workspaceId, key_text: keyText, end_ms: atMs, used });
    }
  }
  for (const some of chunks(leases, STATEMENT_ROW_COUNT_MAX)) await putLeases(tx, some);
  for (const some of chunks(entries, STATEMENT_ROW_COUNT_MAX)) {
    await tx
      .insertInto("budget_buckets")
      .values(some)
      .onConflict((conflict) =>
        conflict
          .columns(["workspace_id", "key_text", "end_ms"])
          .doUpdateSet((eb) => ({ used: eb("budget_buckets.used", "+", eb.ref("excluded.used")) })),
      )
      .execute();
  }
}

async function putLeases(tx: WriteTransaction, rows: readonly LeaseRow[]): Promise<void> {
  await tx
    .insertInto("budget_leases")
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(["workspace_id", "key_text", "lease_id"]).doUpdateSet(({ ref }) => ({
        granted: ref("excluded.granted"),
        spent: ref("excluded.spent"),
        expires_at_ms: ref("excluded.expires_at_ms"),
        status: ref("excluded.status"),
        assumed: ref("excluded.assumed"),
        assumed_end_ms: ref("excluded.assumed_end_ms"),
      })),
    )
    .execute();
}

function toLease(row: LeaseRow): LedgerLease {
  return {
    leaseId: row.lease_id,
    clientId: row.client_id,
    granted: row.granted,
    spent: row.spent,
    expiresAtMs: row.expires_at_ms,
    // Only a status of a lease is written there.
    status: row.status as LedgerLease["status"],
    assumed: row.assumed,
    assumedAtMs: row.assumed_end_ms ?? undefined,
    isChanged: false,
  };
}

function toRow(workspaceId: string, keyText: string, lease: LedgerLease): LeaseRow {
  return {
    workspace_id: workspaceId,
    key_text: keyText,
    lease_id: lease.leaseId,
    client_id: lease.clientId,
    granted: lease.granted,
    spent: lease.spent,
    expires_at_ms: Math.floor(lease.expiresAtMs),
    status: lease.status,
    assumed: lease.assumed,
    assumed_end_ms: lease.assumedAtMs ?? null,
  };
}
