import { compareIds } from "./batches.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import type { KeyEnd, KeyRecord, KeysTable } from "./keys-table.ts";
import { recordAudit } from "./kysely-audit.ts";
import { lockWorkspace, recordChange } from "./kysely-changes.ts";
import type { KeyRow } from "./schema.ts";

export function createKeysTable(dialect: StoreDialect): KeysTable {
  const all = dialect.reads.selectFrom("api_keys").selectAll();
  return {
    create: (key, entry) =>
      dialect.write(async (tx) => {
        await insert(dialect, tx, key);
        await recordAudit(tx, key.workspaceId, [entry]);
      }),
    find: async (keyId) => {
      const row = await all.where("key_id", "=", keyId).executeTakeFirst();
      return row === undefined ? undefined : toKey(row);
    },
    list: async (workspaceId) => {
      const rows = await all
        .where("workspace_id", "=", workspaceId)
        .orderBy("created_at_ms")
        .orderBy("key_id")
        .execute();
      return rows.map(toKey);
    },
    end: (workspaceId, keyId, how) =>
      dialect.write(async (tx) => {
        await lockWorkspace(dialect, tx, workspaceId);
        return end(dialect, tx, { workspaceId, keyId, ...how });
      }),
    replace: (workspaceId, keyId, how) =>
      dialect.write(async (tx) => {
        await lockWorkspace(dialect, tx, workspaceId);
        const isThere = await end(dialect, tx, { workspaceId, keyId, ...how });
        if (isThere) await insert(dialect, tx, how.by);
        return isThere;
      }),
    touch: (uses) => touch(dialect, uses),
  };
}

async function insert(dialect: StoreDialect, tx: WriteTransaction, key: KeyRecord): Promise<void> {
  await tx.insertInto("api_keys").values(toRow(key)).execute();
  await recordChange(dialect, tx, { workspaceId: key.workspaceId, kind: "keys", ref: key.keyId });
}

interface End extends KeyEnd {
  readonly workspaceId: string;
  readonly keyId: string;
  readonly by?: KeyRecord | undefined;
}

async function end(dialect: StoreDialect, tx: WriteTransaction, given: End): Promise<boolean> {
  const { workspaceId, keyId, expiresAtMs, revokedAtMs, by, tell } = given;
  const row = await tx
    .selectFrom("api_keys")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("key_id", "=", keyId)
    .executeTakeFirst();
  if (row === undefined) return false;
  const changes = {
    expires_at_ms: earlier(row.expires_at_ms, expiresAtMs),
    revoked_at_ms: earlier(row.revoked_at_ms, revokedAtMs),
    replaced_by: row.replaced_by ?? by?.keyId ?? null,
  };
  await tx
    .updateTable("api_keys")
    .set(changes)
    .where("workspace_id", "=", workspaceId)
    .where("key_id", "=", keyId)
    .execute();
  await recordChange(dialect, tx, { workspaceId, kind: "keys", ref: keyId });
  await recordAudit(tx, workspaceId, [tell?.(toKey(row), toKey({ ...row, ...changes }))]);
  return true;
}

function touch(dialect: StoreDialect, uses: Parameters<KeysTable["touch"]>[0]): Promise<void> {
  if (uses.length === 0) return Promise.resolve();
  // In the order of their keys, so that two processes never wait for each other's rows.
  const inOrder = uses.toSorted((a, b) => compareIds(a.workspaceId, b.workspaceId) || compareIds(a.keyId, b.keyId));
  return dialect.write(async (tx) => {
    for (const { workspaceId, keyId, atMs } of inOrder) {
      await tx
        .updateTable("api_keys")
        .set({ last_used_at_ms: atMs })
        .where("workspace_id", "=", workspaceId)
        .where("key_id", "=", keyId)
        .where((eb) => eb.or([eb("last_used_at_ms", "is", null), eb("last_used_at_ms", "<", atMs)]))
        .execute();
    }
  });
}

function earlier(known: number | null, given: number | undefined): number | null {
  if (known === null) return given ?? null;
  return given === undefined ? known : Math.min(known, given);
}

function toRow(key: KeyRecord): KeyRow {
  return {
    workspace_id: key.workspaceId,
    key_id: key.keyId,
    name: key.name,
    secret_hash: key.secretHash,
    scopes: toJson(key.scopes),
    created_at_ms: key.createdAtMs,
    expires_at_ms: key.expiresAtMs ?? null,
    last_used_at_ms: key.lastUsedAtMs ?? null,
    revoked_at_ms: key.revokedAtMs ?? null,
    replaced_by: key.replacedBy ?? null,
    person: key.person ?? null,
  };
}

function toKey(row: KeyRow): KeyRecord {
  return {
    workspaceId: row.workspace_id,
    keyId: row.key_id,
    name: row.name,
    secretHash: row.secret_hash,
    scopes: fromJson<readonly string[]>(row.scopes),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms ?? undefined,
    lastUsedAtMs: row.last_used_at_ms ?? undefined,
    revokedAtMs: row.revoked_at_ms ?? undefined,
    replacedBy: row.replaced_by ?? undefined,
    ...(row.person === null ? {} : { person: row.person }),
  };
}
