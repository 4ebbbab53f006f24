import type { AuditEntry, Tell } from "../storage/audit-table.ts";
import type { KeyRecord } from "../storage/keys-table.ts";
import { type AuditHand, auditEntry } from "./audit-story.ts";

/** What the log is told of keys: their ids, names and rights, and never their secrets. */
export function keyCreated(hand: AuditHand, key: KeyRecord): AuditEntry {
  const { keyId, name, scopes, person, expiresAtMs } = key;
  return auditEntry(hand, "key.created", {
    ref: keyId,
    detail: { name, scopes, person, expiresAt: timeText(expiresAtMs) },
  });
}

export function keyRotatedTold(hand: AuditHand, made: KeyRecord): Tell<KeyRecord> {
  return (_before, after) => {
    if (after === undefined) return undefined;
    const endsAt = timeText(Math.min(after.revokedAtMs ?? Infinity, after.expiresAtMs ?? Infinity));
    return auditEntry(hand, "key.rotated", {
      ref: after.keyId,
      detail: { name: after.name, replacedBy: made.keyId, endsAt, expiresAt: timeText(made.expiresAtMs) },
    });
  };
}

/** A key that was revoked already is told of no more. */
export function keyRevokedTold(hand: AuditHand): Tell<KeyRecord> {
  return (before, after) => {
    if (after === undefined || before?.revokedAtMs !== undefined) return undefined;
    return auditEntry(hand, "key.revoked", { ref: after.keyId, detail: { name: after.name } });
  };
}

function timeText(atMs: number | undefined): string | undefined {
  return atMs === undefined || atMs === Infinity ? undefined : new Date(atMs).toISOString();
}
