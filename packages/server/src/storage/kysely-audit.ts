import type { JsonObject } from "@handlebar/protocol";
import type { AuditEntry, AuditTable } from "./audit-table.ts";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import type { AuditRow } from "./schema.ts";

export function createAuditTable(dialect: StoreDialect): AuditTable {
  return {
    list: async (workspaceId, { action, ref, person }, page) => {
      let query = dialect.searches.selectFrom("audit_log").selectAll().where("workspace_id", "=", workspaceId);
      if (ref !== undefined) query = query.where("ref", "=", ref);
      if (person !== undefined) query = query.where("person", "=", person);
      if (action?.endsWith(".") === true) {
        // What begins with `approval.` lies before `approval/`.
        query = query.where("action", ">=", action).where("action", "<", `${action.slice(0, -1)}/`);
      } else if (action !== undefined) query = query.where("action", "=", action);
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

/** Writes entries as part of the write that they tell of. */
export async function recordAudit(
  tx: WriteTransaction,
  workspaceId: string,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await tx
    .insertInto("audit_log")
    .values(entries.map((entry) => toRow(workspaceId, entry)))
    .execute();
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
