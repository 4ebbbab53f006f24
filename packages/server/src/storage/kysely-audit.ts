import type { JsonObject } from "@handlebar/protocol";
import type { AuditEntry, AuditFilter, AuditTable } from "./audit-table.ts";
import { chunks, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { firstEventIdAt } from "./event-time.ts";
import { fromJson, toJson } from "./json-column.ts";
import type { AuditRow } from "./schema.ts";

/** How far an entry's time may lie from that in its id: a write may be tried again. */
const ID_SLACK_MS = 60_000;

export function createAuditTable(dialect: StoreDialect): AuditTable {
  return {
    list: async (workspaceId, filter, page) => {
      let query = search(dialect, workspaceId, filter);
      if (page.cursor !== undefined) {
        const [auditId] = readCursor(page.cursor, ["string"]);
        query = query.where("audit_id", "<", String(auditId));
      }
      const rows = await query
        .orderBy("audit_id", "desc")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, { page, item: toEntry, key: (row) => [row.audit_id] });
    },
  };
}

function search(
  dialect: StoreDialect,
  workspaceId: string,
  { action, ref, person, keyId, sinceMs, untilMs }: AuditFilter,
) {
  let query = dialect.searches.selectFrom("audit_log").selectAll().where("workspace_id", "=", workspaceId);
  if (ref !== undefined) query = query.where("ref", "=", ref);
  if (person !== undefined) query = query.where("person", "=", person);
  if (keyId !== undefined) query = query.where("key_id", "=", keyId);
  // The id says nearly when, and is what the log is kept by.
  if (sinceMs !== undefined) {
    query = query.where("at_ms", ">=", sinceMs).where("audit_id", ">=", firstEventIdAt(sinceMs - ID_SLACK_MS));
  }
  if (untilMs !== undefined) {
    query = query.where("at_ms", "<", untilMs).where("audit_id", "<", firstEventIdAt(untilMs + ID_SLACK_MS));
  }
  if (action === undefined) return query;
  if (!action.endsWith(".")) return query.where("action", "=", action);
  // What begins with `approval.` lies before `approval/`.
  return query.where("action", ">=", action).where("action", "<", `${action.slice(0, -1)}/`);
}

/** Writes entries as part of the write that they tell of. */
export async function recordAudit(
  tx: WriteTransaction,
  workspaceId: string,
  entries: readonly (AuditEntry | undefined)[],
): Promise<void> {
  const rows = entries.flatMap((entry) => (entry === undefined ? [] : [toRow(workspaceId, entry)]));
  for (const some of chunks(rows, STATEMENT_ROW_COUNT_MAX)) await tx.insertInto("audit_log").values(some).execute();
}

function toRow(workspaceId: string, entry: AuditEntry): AuditRow {
  return {
    workspace_id: workspaceId,
    audit_id: entry.auditId,
    at_ms: entry.atMs,
    action: entry.action,
    ref: entry.ref,
    key_id: entry.keyId ?? null,
    person: entry.person ?? null,
    detail: toJson(entry.detail),
  };
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    auditId: row.audit_id,
    atMs: row.at_ms,
    action: row.action,
    ref: row.ref,
    ...(row.key_id === null ? {} : { keyId: row.key_id }),
    ...(row.person === null ? {} : { person: row.person }),
    detail: fromJson<JsonObject>(row.detail),
  };
}
