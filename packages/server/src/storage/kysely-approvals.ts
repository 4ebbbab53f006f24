import type { Approval, ApprovalRequest } from "@handlebar/protocol";
import type { Kysely } from "kysely";
import { CALL_APPROVAL_COUNT_MAX } from "../limits.ts";
import {
  type ApprovalRecord,
  type ApprovalsTable,
  type ApprovalVote,
  type ApprovalWrite,
  isOpen,
} from "./approvals-table.ts";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import { recordAudit } from "./kysely-audit.ts";
import { lockWorkspace, recordChange } from "./kysely-changes.ts";
import { enqueueNotices } from "./kysely-webhooks.ts";
import type { PageRequest } from "./page.ts";
import type { ApprovalRow, Database } from "./schema.ts";

export function createApprovalsTable(dialect: StoreDialect): ApprovalsTable {
  return {
    claim: (workspaceId, request, choose) => claim(dialect, workspaceId, { request, choose }),
    get: async (workspaceId, approvalId) => {
      const row = await rowOf(dialect.reads, workspaceId, approvalId);
      return row === undefined ? undefined : toApproval(row);
    },
    update: (workspaceId, approvalId, change) =>
      dialect.write(async (tx) => {
        await lockWorkspace(dialect, tx, workspaceId);
        const row = await rowOf(tx, workspaceId, approvalId);
        if (row === undefined) return undefined;
        const known = toApproval(row);
        const changed = change(known);
        if (changed === undefined || changed.record === known) return known;
        await write(dialect, tx, changed);
        return changed.record;
      }),
    list: async (workspaceId, filter, page) => {
      const rows = await search(dialect, workspaceId, { filter, page }).execute();
      return pageOf(rows, { page, item: toApproval, key: (row) => [row.requested_at_ms, row.approval_id] });
    },
    due: async (nowMs, limit) => {
      const rows = await dialect.reads
        .selectFrom("approvals")
        .select(["workspace_id", "approval_id"])
        .where("open_until_ms", "is not", null)
        .where("open_until_ms", "<=", nowMs)
        .orderBy("open_until_ms")
        .limit(limit)
        .execute();
      return rows.map((row) => ({ workspaceId: row.workspace_id, approvalId: row.approval_id }));
    },
  };
}

type Choose = Parameters<ApprovalsTable["claim"]>[2];

function rowOf(db: Kysely<Database>, workspaceId: string, approvalId: string): Promise<ApprovalRow | undefined> {
  return db
    .selectFrom("approvals")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("approval_id", "=", approvalId)
    .executeTakeFirst();
}

function claim(
  dialect: StoreDialect,
  workspaceId: string,
  { request, choose }: { readonly request: ApprovalRequest; readonly choose: Choose },
): Promise<ApprovalRecord> {
  return dialect.write(async (tx) => {
    await lockWorkspace(dialect, tx, workspaceId);
    const same = await rowOf(tx, workspaceId, request.approvalId);
    const newest = await tx
      .selectFrom("approvals")
      .selectAll()
      .where("workspace_id", "=", workspaceId)
      .where("fingerprint", "=", request.fingerprint)
      .orderBy("requested_at_ms", "desc")
      .orderBy("approval_id", "desc")
      .limit(CALL_APPROVAL_COUNT_MAX)
      .execute();
    const isAmong = newest.some((row) => row.approval_id === same?.approval_id);
    const rows = same === undefined || isAmong ? newest : [...newest, same];
    const known = rows.toReversed().map(toApproval);
    const chosen = choose(known);
    if (!known.includes(chosen.record)) await write(dialect, tx, chosen);
    return chosen.record;
  });
}

async function write(dialect: StoreDialect, tx: WriteTransaction, changed: ApprovalWrite): Promise<void> {
  const { record, opened, audit = [], notices = [] } = changed;
  await put(dialect, tx, record);
  if (opened !== undefined) await put(dialect, tx, opened);
  await recordAudit(tx, record.workspaceId, audit);
  await enqueueNotices(tx, record.workspaceId, notices);
}

async function put(dialect: StoreDialect, tx: WriteTransaction, record: ApprovalRecord): Promise<void> {
  const row = toRow(record);
  const { workspace_id: workspaceId, approval_id: ref, ...changes } = row;
  await tx
    .insertInto("approvals")
    .values(row)
    .onConflict((conflict) => conflict.columns(["workspace_id", "approval_id"]).doUpdateSet(changes))
    .execute();
  await recordChange(dialect, tx, { workspaceId, kind: "approvals", ref });
}

function search(
  dialect: StoreDialect,
  workspaceId: string,
  { filter, page }: { readonly filter: Parameters<ApprovalsTable["list"]>[1]; readonly page: PageRequest },
) {
  let query = dialect.searches.selectFrom("approvals").selectAll().where("workspace_id", "=", workspaceId);
  if (filter.status !== undefined) query = query.where("status", "=", filter.status);
  if (filter.runId !== undefined) query = query.where("run_id", "=", filter.runId);
  if (filter.fingerprint !== undefined) query = query.where("fingerprint", "=", filter.fingerprint);
  if (filter.agent !== undefined) query = query.where("agent", "=", filter.agent);
  if (filter.isOpen !== undefined) query = query.where("open_until_ms", filter.isOpen ? "is not" : "is", null);
  if (page.cursor !== undefined) {
    const [atMs, approvalId] = readCursor(page.cursor, ["number", "string"]);
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("requested_at_ms", "approval_id"), "<", tuple(Number(atMs), String(approvalId))),
    );
  }
  return query
    .orderBy("requested_at_ms", "desc")
    .orderBy("approval_id", "desc")
    .limit(page.limit + 1);
}

function toRow(record: ApprovalRecord): ApprovalRow {
  const { workspaceId, approval, votes, takenBy, requestedBy } = record;
  return {
    workspace_id: workspaceId,
    approval_id: approval.approvalId,
    run_id: approval.runId,
    fingerprint: approval.fingerprint,
    agent: approval.agent,
    status: approval.status,
    requested_at_ms: Date.parse(approval.requestedAt),
    expires_at_ms: Date.parse(approval.expiresAt),
    body: toJson(approval),
    votes: toJson(votes),
    taken_by: takenBy ?? null,
    requested_by: requestedBy ?? null,
    open_until_ms: isOpen(record) ? Date.parse(approval.expiresAt) : null,
  };
}

function toApproval(row: ApprovalRow): ApprovalRecord {
  return {
    workspaceId: row.workspace_id,
    approval: fromJson<Approval>(row.body),
    votes: fromJson<readonly ApprovalVote[]>(row.votes),
    takenBy: row.taken_by ?? undefined,
    ...(row.requested_by === null ? {} : { requestedBy: row.requested_by }),
  };
}
