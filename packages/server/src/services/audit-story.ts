import { summarisePolicyChanges } from "@handlebar/policies";
import type { JsonObject, JsonValue, Policy } from "@handlebar/protocol";
import type { AuditEntry, Tell } from "../storage/audit-table.ts";
import type { PolicyRecord } from "../storage/policies-table.ts";
import type { Principal } from "./principal.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/** Who changes something, and when; without a key it is time, or whoever runs the server. */
export interface AuditHand {
  readonly nowMs: number;
  readonly newId: () => string;
  readonly keyId?: string | undefined;
  readonly person?: string | undefined;
}

/** Names of fields that one entry tells of. */
const FIELD_NAME_COUNT_MAX = 20;

export function auditHand(
  runtime: Pick<ServerRuntime, "nowMs" | "newId">,
  principal?: Pick<Principal, "keyId" | "person">,
): AuditHand {
  const { keyId, person } = principal ?? {};
  return { nowMs: runtime.nowMs(), newId: () => runtime.newId(), keyId, person };
}

/** One line of the log. What `undefined` stands for in `detail` is left out. */
export function auditEntry(
  { nowMs, newId, keyId, person }: AuditHand,
  action: string,
  { ref, detail }: { readonly ref: string; readonly detail: Readonly<Record<string, JsonValue | undefined>> },
): AuditEntry {
  return {
    auditId: newId(),
    atMs: nowMs,
    action,
    ref,
    ...(keyId === undefined ? {} : { keyId }),
    ...(person === undefined ? {} : { person }),
    detail: given(detail),
  };
}

/** A change of a policy: its versions, what of its standing is not as it was, and how many rules; never the text itself. */
export function policyTold(
  hand: AuditHand,
  { action, comment }: { readonly action?: string | undefined; readonly comment?: string | undefined },
): Tell<PolicyRecord> {
  return (before, after) => {
    if (after === undefined) return undefined;
    const old = standing(before);
    const next = standing(after);
    const done = old === undefined ? "policy.created" : "policy.updated";
    const detail = {
      version: fromTo(before?.version, after.version),
      // A policy is in use unless it says otherwise.
      enabled: fromTo(old === undefined || isEnabled(old), next === undefined || isEnabled(next)),
      mode: fromTo(old && modeOf(old), next && modeOf(next)),
      ...contentTold(old, next),
      comment,
    };
    return auditEntry(hand, next === undefined ? "policy.deleted" : (action ?? done), { ref: after.policyId, detail });
  };
}

/** What changed from what to what; `undefined` where nothing did. */
function fromTo(before: JsonValue | undefined, after: JsonValue | undefined): JsonObject | undefined {
  return before === after ? undefined : given({ from: before, to: after });
}

/** Which other fields of a policy changed, by name, and how many of its rules. */
function contentTold(
  old: Policy | undefined,
  next: Policy | undefined,
): Readonly<Record<string, JsonValue | undefined>> {
  const { fields, rules } = summarisePolicyChanges(old, next);
  const names = fields.filter((name) => name !== "enabled" && name !== "mode").slice(0, FIELD_NAME_COUNT_MAX);
  const isTold = old !== undefined && next !== undefined && names.length > 0;
  const hasRules = rules.added + rules.changed + rules.removed > 0;
  return { fields: isTold ? names : undefined, rules: hasRules ? { ...rules } : undefined };
}

function given(values: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const there: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) there[name] = value;
  return there;
}

function standing(record: PolicyRecord | undefined): Policy | undefined {
  return record === undefined || record.deletedAtMs !== undefined ? undefined : record.policy;
}

function isEnabled({ enabled = true }: Policy): boolean {
  return enabled;
}

function modeOf({ mode = "enforce" }: Policy): string {
  return mode;
}
