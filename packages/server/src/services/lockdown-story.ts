import type { Tell } from "../storage/audit-table.ts";
import { asJson } from "../storage/json-column.ts";
import type { LockdownRecord } from "../storage/lockdowns-table.ts";
import { type AuditHand, auditEntry } from "./audit-story.ts";

/** What the log is told of stop orders: given, lifted by hand, or ended by their time, which no key did. */
export function lockdownTold(hand: AuditHand): Tell<LockdownRecord> {
  return (_before, after) => {
    if (after === undefined) return undefined;
    const { lockdownId: ref, scope, reason, until } = after.lockdown;
    const ended = hand.keyId === undefined ? "lockdown.expired" : "lockdown.lifted";
    const action = after.liftedAtMs === undefined ? "lockdown.created" : ended;
    return auditEntry(hand, action, { ref, detail: { scope: asJson(scope), reason, until } });
  };
}
