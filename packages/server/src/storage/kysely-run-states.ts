import { RUN_STATE_COMMIT_SIZE_MAX } from "../limits.ts";
import { chunks, compareIds, inSlices, rowKey, SLICE_ROW_COUNT, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { GroupCommit } from "./group-commit.ts";
import type { RunStateRecord, RunStatesTable } from "./run-states-table.ts";
import type { RunStateRow } from "./schema.ts";

export function createRunStatesTable(dialect: StoreDialect): RunStatesTable & { idle(): Promise<void> } {
  const writes = new GroupCommit<readonly RunStateRow[], readonly string[]>({
    commit: (batches) => dialect.write((tx) => putAll(tx, batches)),
    sizeMax: RUN_STATE_COMMIT_SIZE_MAX,
    sizeOf: (rows) => rows.reduce((sum, { snapshot }) => sum + snapshot.length, 0),
    underWayMax: 1,
  });
  const one = (workspaceId: string, runId: string) =>
    dialect.reads.selectFrom("run_states").where("workspace_id", "=", workspaceId).where("run_id", "=", runId);
  return {
    idle: () => writes.idle(),
    get: async (workspaceId, runId) => {
      const row = await one(workspaceId, runId).selectAll().executeTakeFirst();
      return row === undefined ? undefined : toRunState(row);
    },
    version: async (workspaceId, runId) =>
      (await one(workspaceId, runId).select("version").executeTakeFirst())?.version,
    put: async (workspaceId, states, nowMs) =>
      states.length === 0 ? [] : writes.submit(states.map((state) => toRow(workspaceId, state, nowMs))),
    sessionLabels: async (workspaceId, sessionId) => {
      const rows = await dialect.reads
        .selectFrom("session_labels")
        .select("label")
        .where("workspace_id", "=", workspaceId)
        .where("session_id", "=", sessionId)
        .orderBy("label")
        .execute();
      return rows.map((row) => row.label);
    },
    addSessionLabels: (...given) => addSessionLabels(dialect, given),
    prune: async (beforeMs) =>
      (await inSlices(() => deleteStates(dialect, beforeMs))) + (await deleteLabels(dialect, beforeMs)),
  };
}

function deleteStates(dialect: StoreDialect, beforeMs: number): Promise<number> {
  return dialect.write(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom("run_states")
      .where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple("workspace_id", "run_id"),
          "in",
          selectFrom("run_states")
            .select(["workspace_id", "run_id"])
            .where("used_at_ms", "<", beforeMs)
            .limit(SLICE_ROW_COUNT)
            .$asTuple("workspace_id", "run_id"),
        ),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  });
}

function deleteLabels(dialect: StoreDialect, beforeMs: number): Promise<number> {
  return dialect.write(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom("session_labels")
      .where("used_at_ms", "<", beforeMs)
      .executeTakeFirst();
    return Number(numDeletedRows);
  });
}

async function addSessionLabels(
  dialect: StoreDialect,
  [workspaceId, sessionId, labels, nowMs]: Parameters<RunStatesTable["addSessionLabels"]>,
): Promise<void> {
  const rows = [...new Set(labels)].toSorted(compareIds).map((label) => ({
    workspace_id: workspaceId,
    session_id: sessionId,
    label,
    used_at_ms: nowMs,
  }));
  if (rows.length === 0) return;
  await dialect.write((tx) =>
    tx
      .insertInto("session_labels")
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(["workspace_id", "session_id", "label"]).doUpdateSet({ used_at_ms: nowMs }),
      )
      .execute(),
  );
}

/** Writes the states of several callers; of two that write the same run, the later one sees what the earlier one wrote. */
async function putAll(
  tx: WriteTransaction,
  batches: readonly (readonly RunStateRow[])[],
): Promise<readonly (readonly string[])[]> {
  const refused = batches.map((): string[] => []);
  let rest = batches.flatMap((rows, caller) => rows.map((row) => ({ row, caller })));
  while (rest.length > 0) {
    const round = new Map<string, (typeof rest)[number]>();
    const later: typeof rest = [];
    for (const write of rest) {
      const key = rowKey(write.row.workspace_id, write.row.run_id);
      if (round.has(key)) later.push(write);
      else round.set(key, write);
    }
    const writes = [...round.entries()].toSorted(([a], [b]) => compareIds(a, b));
    const written = await putRound(
      tx,
      writes.map(([, { row }]) => row),
    );
    for (const [key, { row, caller }] of writes) if (!written.has(key)) refused[caller]?.push(row.run_id);
    rest = later;
  }
  return refused;
}

async function putRound(tx: WriteTransaction, rows: readonly RunStateRow[]): Promise<ReadonlySet<string>> {
  const written = new Set<string>();
  for (const some of chunks(rows, STATEMENT_ROW_COUNT_MAX)) {
    const done = await tx
      .insertInto("run_states")
      .values(some)
      .onConflict((conflict) =>
        conflict
          .columns(["workspace_id", "run_id"])
          .doUpdateSet(({ ref }) => ({
            started_at_ms: ref("excluded.started_at_ms"),
            snapshot: ref("excluded.snapshot"),
            is_terminated: ref("excluded.is_terminated"),
            version: ref("excluded.version"),
            used_at_ms: ref("excluded.used_at_ms"),
          }))
          .where((eb) => eb("run_states.version", "=", eb("excluded.version", "-", 1))),
      )
      .returning(["workspace_id", "run_id"])
      .execute();
    for (const row of done) written.add(rowKey(row.workspace_id, row.run_id));
  }
  return written;
}

function toRow(workspaceId: string, state: RunStateRecord, nowMs: number): RunStateRow {
  return {
    workspace_id: workspaceId,
    run_id: state.runId,
    started_at_ms: state.startedAtMs,
    snapshot: state.snapshotJson,
    is_terminated: state.isTerminated ? 1 : 0,
    version: state.version,
    used_at_ms: nowMs,
  };
}

function toRunState(row: RunStateRow): RunStateRecord {
  return {
    runId: row.run_id,
    startedAtMs: row.started_at_ms,
    snapshotJson: row.snapshot,
    isTerminated: row.is_terminated === 1,
    version: row.version,
  };
}
