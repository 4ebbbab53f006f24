import type { Approval, ApprovalRequest } from "@handlebar/protocol";
import type { Kysely } from "kysely";
import type { ApprovalRecord, ApprovalsTable, ApprovalVote } from "./approvals-table.ts";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import { lockWorkspace, recordChange } from "./kysely-changes.ts";
import type { PageRequest } from "./page.ts";
import type { ApprovalRow, Database } from "./schema.ts";

export function createApprovalsTable(dialect: StoreDialect): ApprovalsTable {
  return {
    claim: (workspaceId, request, choose) => claim(dialect, workspaceId, { request, choose }),
    get: async (workspaceId, approvalId) => {
      const row = await byId(dialect.reads, workspaceId, approvalId).executeTakeFirst();
      return row === undefined ? undefined : toApproval(row);
    },
    update: (workspaceId, approvalId, change) =>
      dialect.write(async (tx) => {
        await lockWorkspace(dialect, tx, workspaceId);
        const row = await byId(tx, workspaceId, approvalId).executeTakeFirst();
        if (row === undefined) return undefined;
        const known = toApproval(row);
        const changed = change(known);
        if (changed === undefined || changed === known) return known;
        await put(dialect, tx, changed);
        return changed;
      }),
    list: async (workspaceId, filter, page) => {
      const rows = await search(dialect, workspaceId, { filter, page }).execute();
      return pageOf(rows, { page, item: toApproval, key: (row) => [row.requested_at_ms, row.approval_id] });
    },
    expire: (nowMs, limit) => expire(dialect, nowMs, limit),
  };
}

function byId(db: Kysely<Database>, workspaceId: string, approvalId: string) {
  return db
    .selectFrom("approvals")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("approval_id", "=", approvalId);
}

type Choose = Parameters<ApprovalsTable["claim"]>[2];

function claim(
  dialect: StoreDialect,
  workspaceId: string,
  { request, choose }: { readonly request: ApprovalRequest; readonly choose: Choose },
): Promise<ApprovalRecord> {
  return dialect.write(async (tx) => {
    await lockWorkspace(dialect, tx, workspaceId);
    const rows = await tx
      .selectFrom("approvals")
      .selectAll()
      .where("workspace_id", "=", workspaceId)
      .where((eb) =>
        eb.or([
          eb("approval_id", "=", request.approvalId),
          eb.and([eb("run_id", "=", request.runId), eb("fingerprint", "=", request.fingerprint)]),
        ]),
      )
      .orderBy("requested_at_ms")
      .orderBy("approval_id")
      .execute();
    const known = rows.map(toApproval);
    const chosen = choose(known);
    if (!known.includes(chosen)) await put(dialect, tx, chosen);
    return chosen;
  });
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
  if (filter.agent !== undefined) query = query.where("agent", "=", filter.agent);
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

async function expire(dialect: StoreDialect, nowMs: number, limit: number): Promise<number> {
  const due = await dialect.reads
    .selectFrom("approvals")
    .select(["workspace_id", "approval_id"])
    .where("status", "=", "pending")
    .where("expires_at_ms", "<=", nowMs)
    .orderBy("expires_at_ms")
    .limit(limit)
    .execute();
  let expired = 0;
  for (const { workspace_id: workspaceId, approval_id: approvalId } of due) {
    if (await expireOne(dialect, workspaceId, approvalId)) expired += 1;
  }
  return expired;
}

function expireOne(dialect: StoreDialect, workspaceId: string, approvalId: string): Promise<boolean> {
  return dialect.write(async (tx) => {
    await lockWorkspace(dialect, tx, workspaceId);
    const row = await byId(tx, workspaceId, approvalId).where("status", "=", "pending").executeTakeFirst();
    if (row === undefined) return false;
    const record = toApproval(row);
    await put(dialect, tx, { ...record, approval: { ...record.approval, status: "expired" } });
    return true;
  });
}

function toRow({ workspaceId, approval, votes, takenBy }: ApprovalRecord): ApprovalRow {
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
  };
}

function toApproval(row: ApprovalRow): ApprovalRecord {
  return {
    workspaceId: row.workspace_id,
    approval: fromJson<Approval>(row.body),
    votes: fromJson<readonly ApprovalVote[]>(row.votes),
    takenBy: row.taken_by ?? undefined,
  };
}
