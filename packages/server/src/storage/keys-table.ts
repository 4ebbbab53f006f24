import type { AuditEntry, Tell } from "./audit-table.ts";

/** An API key as it is kept: never the secret itself. */
export interface KeyRecord {
  readonly workspaceId: string;
  /** The public part of the key. */
  readonly keyId: string;
  readonly name: string;
  /** SHA-256 of the secret part, hex. */
  readonly secretHash: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly lastUsedAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
  /** Whose key it is, where it is one person's: answers given with it are theirs. */
  readonly person?: string | undefined;
  /** The key that took its place. */
  readonly replacedBy: string | undefined;
}

/** When a key ceases to work. */
export interface KeyEnd {
  readonly expiresAtMs?: number | undefined;
  readonly revokedAtMs?: number | undefined;
  readonly tell?: Tell<KeyRecord> | undefined;
}

export interface KeysTable {
  /** Records the change `keys`, and the entry in the log. */
  create(key: KeyRecord, entry?: AuditEntry): Promise<void>;
  /** By its public part, in whatever workspace: the only look-up that starts without one. */
  find(keyId: string): Promise<KeyRecord | undefined>;
  list(workspaceId: string): Promise<readonly KeyRecord[]>;
  /**
   * Sets when it ceases to work; an earlier end stands. Records the change `keys`. False when there is no such key.
   */
  end(workspaceId: string, keyId: string, how: KeyEnd): Promise<boolean>;
  /** Creates `by` and ends the key that it takes the place of, both or neither. False when there is no such key. */
  replace(workspaceId: string, keyId: string, how: KeyEnd & { readonly by: KeyRecord }): Promise<boolean>;
  /** Notes when keys were used last; no change is recorded. */
  touch(
    uses: readonly { readonly workspaceId: string; readonly keyId: string; readonly atMs: number }[],
  ): Promise<void>;
}
