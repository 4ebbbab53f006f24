import type { Lockdown } from "@handlebar/protocol";
import type { Tell } from "./audit-table.ts";
import type { StoreDialect } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import { recordAudit } from "./kysely-audit.ts";
import { lockWorkspace, recordChange } from "./kysely-changes.ts";
import { createLockdownAcks } from "./kysely-lockdown-acks.ts";
import type { LockdownRecord, LockdownsTable } from "./lockdowns-table.ts";
import type { LockdownRow } from "./schema.ts";

export function createLockdownsTable(dialect: StoreDialect): LockdownsTable {
  const all = dialect.reads.selectFrom("lockdowns").selectAll();
  return {
    ...createLockdownAcks(dialect),
    create: (record, tell) => create(dialect, record, tell),
    lift: async (workspaceId, lockdownId, { keyId, nowMs, tell }) => {
      const row = await lift(dialect, { workspaceId, lockdownId, by: keyId, nowMs, tell });
      return row === undefined ? undefined : toLockdown(row);
    },
    get: async (workspaceId, lockdownId) => {
      const row = await all
        .where("workspace_id", "=", workspaceId)
        .where("lockdown_id", "=", lockdownId)
        .executeTakeFirst();
      return row === undefined ? undefined : toLockdown(row);
    },
    inForce: async (workspaceId, nowMs) => {
      const rows = await all
        .where("workspace_id", "=", workspaceId)
        .where("lifted_at_ms", "is", null)
        .where((eb) => eb.or([eb("until_ms", "is", null), eb("until_ms", ">", nowMs)]))
        .orderBy("created_at_ms")
        .orderBy("lockdown_id")
        .execute();
      return rows.map(toLockdown);
    },
    list: async (workspaceId, limit) => {
      const rows = await all
        .where("workspace_id", "=", workspaceId)
        .orderBy("created_at_ms", "desc")
        .orderBy("lockdown_id", "desc")
        .limit(limit)
        .execute();
      return rows.map(toLockdown);
    },
    liftExpired: (nowMs, tell) => liftExpired(dialect, nowMs, tell),
  };
}

function create(
  dialect: StoreDialect,
  record: Parameters<LockdownsTable["create"]>[0],
  tell: Tell<LockdownRecord> | undefined,
): Promise<LockdownRecord> {
  const { workspaceId, lockdown, createdAtMs, createdBy } = record;
  return dialect.write(async (tx) => {
    await lockWorkspace(dialect, tx, workspaceId);
    const known = await tx
      .selectFrom("lockdowns")
      .selectAll()
      .where("workspace_id", "=", workspaceId)
      .where("lockdown_id", "=", lockdown.lockdownId)
      .executeTakeFirst();
    if (known !== undefined) return toLockdown(known);
    const change = { workspaceId, kind: "lockdowns", ref: lockdown.lockdownId } as const;
    const { revision } = await recordChange(dialect, tx, change);
    const row: LockdownRow = {
      workspace_id: workspaceId,
      lockdown_id: lockdown.lockdownId,
      body: toJson(lockdown),
      revision,
      created_at_ms: createdAtMs,
      created_by: createdBy,
      until_ms: lockdown.until === undefined ? null : Date.parse(lockdown.until),
      lifted_at_ms: null,
      lifted_by: null,
    };
    await tx.insertInto("lockdowns").values(row).execute();
    await recordAudit(tx, workspaceId, [tell?.(undefined, toLockdown(row))]);
    return toLockdown(row);
  });
}

interface Lift {
  readonly workspaceId: string;
  readonly lockdownId: string;
  readonly by: string;
  readonly nowMs: number;
  readonly tell: Tell<LockdownRecord> | undefined;
}

/** Of several that lift the same one, the first does. */
function lift(dialect: StoreDialect, given: Lift): Promise<LockdownRow | undefined> {
  const { workspaceId, lockdownId, by, nowMs, tell } = given;
  return dialect.write(async (tx) => {
    await lockWorkspace(dialect, tx, workspaceId);
    const row = await tx
      .updateTable("lockdowns")
      .set({ lifted_at_ms: nowMs, lifted_by: by })
      .where("workspace_id", "=", workspaceId)
      .where("lockdown_id", "=", lockdownId)
      .where("lifted_at_ms", "is", null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    await recordChange(dialect, tx, { workspaceId, kind: "lockdowns", ref: lockdownId });
    const before = { ...row, lifted_at_ms: null, lifted_by: null };
    await recordAudit(tx, workspaceId, [tell?.(toLockdown(before), toLockdown(row))]);
    return row;
  });
}

async function liftExpired(
  dialect: StoreDialect,
  nowMs: number,
  tell: Tell<LockdownRecord> | undefined,
): Promise<number> {
  const due = await dialect.reads
    .selectFrom("lockdowns")
    .select(["workspace_id", "lockdown_id"])
    .where("lifted_at_ms", "is", null)
    .where("until_ms", "<=", nowMs)
    .orderBy("workspace_id")
    .orderBy("lockdown_id")
    .execute();
  let lifted = 0;
  for (const { workspace_id: workspaceId, lockdown_id: lockdownId } of due) {
    const row = await lift(dialect, { workspaceId, lockdownId, by: "until", nowMs, tell });
    if (row !== undefined) lifted += 1;
  }
  return lifted;
}

function toLockdown(row: LockdownRow): LockdownRecord {
  return {
    workspaceId: row.workspace_id,
    lockdown: fromJson<Lockdown>(row.body),
    revision: row.revision,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    liftedAtMs: row.lifted_at_ms ?? undefined,
    liftedBy: row.lifted_by ?? undefined,
  };
}
