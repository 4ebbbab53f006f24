import { EVENT_COMMIT_COUNT_MAX } from "../limits.ts";
import { rowKey } from "./batches.ts";
import type { StoreDialect } from "./dialect.ts";
import type { EventRow, EventsTable } from "./events-table.ts";
import { GroupCommit } from "./group-commit.ts";

/** What the columns of a row take in memory beside its JSON. */
const ROW_OVERHEAD_BYTES = 512;

type Inserts = Pick<EventsTable, "insert" | "waiting"> & { idle(): Promise<void> };

/** Stores events, the ones of several callers in one commit, and counts what waits. */
export function createEventInserts(dialect: StoreDialect): Inserts {
  const waiting = { count: 0, sizeBytes: 0 };
  const commits = new GroupCommit<readonly EventRow[], readonly boolean[]>({
    commit: (batches) => commitOnce(dialect, batches),
    sizeMax: EVENT_COMMIT_COUNT_MAX,
    sizeOf: (rows) => rows.length,
    underWayMax: dialect.kind === "sqlite" ? 1 : 2,
  });
  return {
    waiting,
    idle: () => commits.idle(),
    insert: async (rows) => {
      if (rows.length === 0) return [];
      const sizeBytes = rows.reduce((sum, { json }) => sum + json.length + ROW_OVERHEAD_BYTES, 0);
      waiting.count += rows.length;
      waiting.sizeBytes += sizeBytes;
      try {
        return await commits.submit(rows);
      } finally {
        waiting.count -= rows.length;
        waiting.sizeBytes -= sizeBytes;
      }
    },
  };
}

/** Commits each event once, whoever brings it again in the same commit: the first one was new, the others were not. */
async function commitOnce(
  dialect: StoreDialect,
  batches: readonly (readonly EventRow[])[],
): Promise<readonly (readonly boolean[])[]> {
  const first = new Map<string, EventRow>();
  for (const row of batches.flat()) {
    const key = rowKey(row.workspaceId, row.eventId);
    if (!first.has(key)) first.set(key, row);
  }
  const rows = [...first.values()];
  const isNew = await dialect.commitEvents(rows);
  const stored = new Set(rows.filter((_, at) => isNew[at] === true));
  return batches.map((batch) => batch.map((row) => stored.delete(row)));
}
