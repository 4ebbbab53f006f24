import type { AuditEntry, JsonObject, JsonValue } from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { plainText, table } from "./screen.ts";

/** Characters of what one line says beside who did what to what; `--json` has all of it. */
const DETAIL_LENGTH_MAX = 160;

/** Prints lines of the audit log as they are given. */
export function printAudit(entries: readonly AuditEntry[], context: CommandContext): void {
  if (entries.length === 0) return;
  const rows = entries.map((entry) => [
    entry.at,
    whoOf(entry),
    entry.action,
    plainText(entry.ref),
    detailText(entry.detail),
  ]);
  context.out(table([["time", "by", "action", "object", "what"], ...rows]));
}

function whoOf({ person, keyId }: AuditEntry): string {
  if (keyId === undefined) return "-";
  return person === undefined ? keyId : `${plainText(person)} (${keyId})`;
}

/** What changed, in a few words: `version 1 -> 2, mode shadow -> enforce`. */
export function detailText(detail: JsonObject): string {
  const text = Object.entries(detail)
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(", ");
  return text.length <= DETAIL_LENGTH_MAX ? text : `${text.slice(0, DETAIL_LENGTH_MAX)}...`;
}

function valueText(value: JsonValue): string {
  if (typeof value === "string") return /^[\w.:@/-]{1,64}$/.test(value) ? value : plainText(JSON.stringify(value));
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(valueText).join(" ");
  const fields = new Map<string, JsonValue>(Object.entries(value));
  const [from, to] = [fields.get("from"), fields.get("to")];
  if (to !== undefined && fields.size === (from === undefined ? 1 : 2)) {
    return from === undefined ? valueText(to) : `${valueText(from)} -> ${valueText(to)}`;
  }
  return [...fields].map(([name, one]) => `${name} ${valueText(one)}`).join(" ");
}
