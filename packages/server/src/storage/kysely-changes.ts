import type { ChangeKind, ChangeMark, ChangeRecord, ChangesTable } from "./changes-table.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import type { ChangeRow } from "./schema.ts";

/** Kinds of change that clients hold as part of their state. */
const STATE_KINDS: ReadonlySet<ChangeKind> = new Set(["policies", "lockdowns", "agents"]);

export interface Change {
  readonly workspaceId: string;
  readonly kind: ChangeKind;
  readonly ref: string;
}

/** Records a change as part of the write that makes it; the workspace's row keeps the order of changes that of their commits. */
export async function recordChange(dialect: StoreDialect, tx: WriteTransaction, change: Change): Promise<ChangeMark> {
  const { workspaceId, kind, ref } = change;
  const step = STATE_KINDS.has(kind) ? 1 : 0;
  const { change_seq: seq, revision } = await tx
    .updateTable("workspaces")
    .set((eb) => ({ change_seq: eb("change_seq", "+", 1), revision: eb("revision", "+", step) }))
    .where("workspace_id", "=", workspaceId)
    .returning(["change_seq", "revision"])
    .executeTakeFirstOrThrow(() => new Error(`there is no workspace \`${workspaceId}\``));
  const atMs = await dialect.nowMs(tx);
  await tx
    .insertInto("change_log")
    .values({ workspace_id: workspaceId, seq, revision, kind, ref, at_ms: atMs })
    .execute();
  await dialect.notifyChange(tx, workspaceId);
  return { workspaceId, seq, revision };
}

/**
 * Holds off every other control-plane write of a workspace until the transaction ends. Whatever may record a change takes this before any other row, so
 * that two writes never wait for each other.
 * @returns where its changes stand.
 */
export async function lockWorkspace(
  dialect: StoreDialect,
  tx: WriteTransaction,
  workspaceId: string,
): Promise<ChangeMark> {
  const query = tx.selectFrom("workspaces").select(["change_seq", "revision"]).where("workspace_id", "=", workspaceId);
  const row = await dialect
    .forUpdate(query)
    .executeTakeFirstOrThrow(() => new Error(`there is no workspace \`${workspaceId}\``));
  return { workspaceId, seq: row.change_seq, revision: row.revision };
}

export function createChangesTable(dialect: StoreDialect): ChangesTable {
  const marks = dialect.reads.selectFrom("workspaces").select(["workspace_id", "change_seq", "revision"]);
  return {
    marks: async () => (await marks.execute()).map(toMark),
    mark: async (workspaceId) => {
      const row = await marks.where("workspace_id", "=", workspaceId).executeTakeFirst();
      return row === undefined ? { workspaceId, seq: 0, revision: 0 } : toMark(row);
    },
    since: async (workspaceId, seq, limit) => {
      const rows = await dialect.reads
        .selectFrom("change_log")
        .selectAll()
        .where("workspace_id", "=", workspaceId)
        .where("seq", ">", seq)
        .orderBy("seq")
        .limit(limit)
        .execute();
      return rows.map(toChange);
    },
    append: (workspaceId, kind, ref) => dialect.write((tx) => recordChange(dialect, tx, { workspaceId, kind, ref })),
    listen: (onHint) => dialect.listenChanges(onHint),
    prune: (beforeMs) =>
      dialect.write(async (tx) => {
        const { numDeletedRows } = await tx.deleteFrom("change_log").where("at_ms", "<", beforeMs).executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

function toMark(row: {
  readonly workspace_id: string;
  readonly change_seq: number;
  readonly revision: number;
}): ChangeMark {
  return { workspaceId: row.workspace_id, seq: row.change_seq, revision: row.revision };
}

function toChange(row: ChangeRow): ChangeRecord {
  return {
    workspaceId: row.workspace_id,
    seq: row.seq,
    revision: row.revision,
    // Only `recordChange` writes the column.
    kind: row.kind as ChangeKind,
    ref: row.ref,
    atMs: row.at_ms,
  };
}
