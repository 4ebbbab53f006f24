import { isDeepStrictEqual } from "node:util";
import type { Policy } from "@handlebar/protocol";
import type { AuditEntry } from "./audit-table.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { asJson, fromJson, fromJsonOrNull, toJson, toJsonOrNull } from "./json-column.ts";
import { recordAudit } from "./kysely-audit.ts";
import { lockWorkspace, recordChange } from "./kysely-changes.ts";
import type {
  PoliciesTable,
  PoliciesWritten,
  PolicyRecord,
  PolicyVersionRecord,
  PolicyWrite,
  PolicyWriter,
  ShadowCountsRecord,
} from "./policies-table.ts";
import type { PolicyRow, PolicyVersionRow, ShadowCountRow } from "./schema.ts";

export function createPoliciesTable(dialect: StoreDialect): PoliciesTable {
  const all = dialect.reads.selectFrom("policies").selectAll();
  return {
    list: async (workspaceId) => {
      const rows = await all
        .where("workspace_id", "=", workspaceId)
        .where("deleted_at_ms", "is", null)
        .orderBy("policy_id")
        .execute();
      return rows.map(toPolicy);
    },
    get: async (workspaceId, policyId) => {
      const row = await all
        .where("workspace_id", "=", workspaceId)
        .where("policy_id", "=", policyId)
        .executeTakeFirst();
      return row === undefined ? undefined : toPolicy(row);
    },
    version: async (workspaceId, policyId, version) => {
      const row = await dialect.reads
        .selectFrom("policy_versions")
        .selectAll()
        .where("workspace_id", "=", workspaceId)
        .where("policy_id", "=", policyId)
        .where("version", "=", version)
        .executeTakeFirst();
      return row === undefined ? undefined : toVersion(row);
    },
    versions: async (workspaceId, policyId) => {
      const rows = await dialect.reads
        .selectFrom("policy_versions")
        .selectAll()
        .where("workspace_id", "=", workspaceId)
        .where("policy_id", "=", policyId)
        .orderBy("version", "desc")
        .execute();
      return rows.map(toVersion);
    },
    shadowCounts: async (workspaceId, policyId) => {
      const query = dialect.reads
        .selectFrom("policy_shadow_counts")
        .selectAll()
        .where("workspace_id", "=", workspaceId);
      const rows = await (policyId === undefined ? query : query.where("policy_id", "=", policyId)).execute();
      return rows.map(toCounts);
    },
    changedAtRevision: async (workspaceId, policyId) => {
      const query = dialect.reads
        .selectFrom("policy_versions")
        .select(({ fn }) => fn.max("revision").as("revision"))
        .where("workspace_id", "=", workspaceId);
      const row = await (policyId === undefined ? query : query.where("policy_id", "=", policyId)).executeTakeFirst();
      return row?.revision ?? 0;
    },
    write: (workspaceId, writes, by) => write(dialect, workspaceId, { writes, by }),
  };
}

/** Takes a transaction back because of a policy that is not as its writer saw it. */
class PolicyConflict extends Error {
  readonly policyId: string;

  constructor(policyId: string) {
    super(`policy \`${policyId}\` is not as its writer saw it`);
    this.policyId = policyId;
  }
}

async function write(
  dialect: StoreDialect,
  workspaceId: string,
  given: { readonly writes: readonly PolicyWrite[]; readonly by: PolicyWriter },
): Promise<PoliciesWritten | { readonly conflict: string }> {
  try {
    return await dialect.write(async (tx) => {
      const before = await lockWorkspace(dialect, tx, workspaceId);
      const written: PolicyRecord[] = [];
      const changed: string[] = [];
      const told: (AuditEntry | undefined)[] = [];
      for (const one of given.writes) {
        // The one revision that all of them come with is recorded last, and nobody else makes one meanwhile.
        const result = await writeOne(tx, workspaceId, { write: one, by: given.by, revision: before.revision + 1 });
        if (result.record !== undefined) written.push(result.record);
        if (!result.isChanged) continue;
        changed.push(one.policyId);
        told.push(given.by.tell?.(result.before, result.record));
      }
      await recordAudit(tx, workspaceId, told);
      const [ref, ...others] = changed;
      if (ref === undefined) return { written, changed, revision: before.revision };
      const change = { workspaceId, kind: "policies", ref: others.length === 0 ? ref : "*" } as const;
      const { revision } = await recordChange(dialect, tx, change);
      return { written, changed, revision };
    });
  } catch (error) {
    if (error instanceof PolicyConflict) return { conflict: error.policyId };
    throw error;
  }
}

interface WrittenPolicy {
  readonly before: PolicyRecord | undefined;
  readonly record: PolicyRecord | undefined;
  readonly isChanged: boolean;
}

async function writeOne(
  tx: WriteTransaction,
  workspaceId: string,
  {
    write: { policyId, policy, expectedVersion },
    by,
    revision,
  }: { readonly write: PolicyWrite; readonly by: PolicyWriter; readonly revision: number },
): Promise<WrittenPolicy> {
  const known = await tx
    .selectFrom("policies")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("policy_id", "=", policyId)
    .executeTakeFirst();
  if (!isExpected(known, expectedVersion)) throw new PolicyConflict(policyId);
  const before = known && toPolicy(known);
  if (isSame(known, policy)) return { before, record: before, isChanged: false };
  const row: PolicyRow = {
    workspace_id: workspaceId,
    policy_id: policyId,
    version: (known?.version ?? 0) + 1,
    body: policy === undefined ? (known?.body ?? "null") : toJson(policy),
    created_at_ms: known?.created_at_ms ?? by.nowMs,
    updated_at_ms: by.nowMs,
    updated_by: by.keyId,
    deleted_at_ms: policy === undefined ? by.nowMs : null,
  };
  const { workspace_id: _, policy_id: __, created_at_ms: ___, ...changes } = row;
  await tx
    .insertInto("policies")
    .values(row)
    .onConflict((conflict) => conflict.columns(["workspace_id", "policy_id"]).doUpdateSet(changes))
    .execute();
  await tx
    .insertInto("policy_versions")
    .values({
      workspace_id: workspaceId,
      policy_id: policyId,
      version: row.version,
      body: toJsonOrNull(policy),
      comment: by.comment ?? null,
      created_at_ms: by.nowMs,
      created_by: by.keyId,
      revision,
      made_by: by.name ?? null,
      origin: policy === undefined ? "deleted" : (by.origin ?? "saved"),
      from_version: policy === undefined ? null : (by.fromVersion ?? null),
    })
    .execute();
  return { before, record: toPolicy(row), isChanged: true };
}

function isExpected(known: PolicyRow | undefined, expected: number | undefined): boolean {
  if (expected === undefined) return true;
  if (expected === 0) return known === undefined || known.deleted_at_ms !== null;
  return known?.version === expected;
}

function isSame(known: PolicyRow | undefined, policy: Policy | undefined): boolean {
  const stands = known !== undefined && known.deleted_at_ms === null;
  if (policy === undefined) return !stands;
  return stands && isDeepStrictEqual(JSON.parse(known.body), asJson(policy));
}

function toPolicy(row: PolicyRow): PolicyRecord {
  return {
    workspaceId: row.workspace_id,
    policyId: row.policy_id,
    version: row.version,
    policy: fromJson<Policy>(row.body),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    updatedBy: row.updated_by,
    deletedAtMs: row.deleted_at_ms ?? undefined,
  };
}

function toVersion(row: PolicyVersionRow): PolicyVersionRecord {
  return {
    policyId: row.policy_id,
    version: row.version,
    policy: fromJsonOrNull<Policy>(row.body),
    comment: row.comment ?? undefined,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    madeBy: row.made_by ?? undefined,
    origin: toOrigin(row),
    fromVersion: row.from_version ?? undefined,
    revision: row.revision,
  };
}

function toOrigin({ origin, body }: PolicyVersionRow): PolicyVersionRecord["origin"] {
  if (body === null) return "deleted";
  return origin === "promoted" || origin === "rolled-back" ? origin : "saved";
}

function toCounts(row: ShadowCountRow): ShadowCountsRecord {
  return {
    policyId: row.policy_id,
    version: row.version,
    decisionCount: row.decision_count,
    blockCount: row.block_count,
    holdCount: row.hold_count,
    redactCount: row.redact_count,
    firstAtMs: row.first_at_ms,
    lastAtMs: row.last_at_ms,
  };
}
