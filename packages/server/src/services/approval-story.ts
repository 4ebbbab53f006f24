import type { JsonObject, JsonValue } from "@handlebar/protocol";
import { WEBHOOK_GIVE_UP_MS } from "../limits.ts";
import type { ApprovalRecord, ApprovalWrite } from "../storage/approvals-table.ts";
import type { AuditEntry } from "../storage/audit-table.ts";
import { asJson } from "../storage/json-column.ts";
import type { Notice } from "../storage/webhooks-table.ts";

/** Who changed an approval: a key, the person behind it, or nobody, where time did. */
export interface ApprovalCause {
  readonly nowMs: number;
  readonly newId: () => string;
  readonly keyId?: string | undefined;
  readonly person?: string | undefined;
}

type Told = Omit<AuditEntry, "auditId" | "atMs" | "ref" | "keyId">;

/** A change of an approval as it is written: with what the log and the webhooks are told of it. */
export function approvalWrite(
  before: ApprovalRecord | undefined,
  after: ApprovalRecord,
  by: ApprovalCause & { readonly opened?: ApprovalRecord | undefined },
): ApprovalWrite {
  const { opened, nowMs, newId, keyId } = by;
  const audit = whatHappened(before, after, by).map((told): AuditEntry => {
    const entry = { ...told, auditId: newId(), atMs: nowMs, ref: after.approval.approvalId };
    return keyId === undefined ? entry : { ...entry, keyId };
  });
  return { record: after, opened, audit, notices: noticesOf(before, after, by) };
}

function whatHappened(
  before: ApprovalRecord | undefined,
  after: ApprovalRecord,
  { person }: Pick<ApprovalCause, "person">,
): readonly Told[] {
  const { approval } = after;
  if (before === undefined) {
    const { tool, agent, runId, ruleId, policyId, actor, argsExact = false } = approval;
    const detail = { tool, agent, runId, ruleId, policyId, argsExact };
    const actorId = actor === undefined ? {} : { actor: actor.externalId };
    return [{ action: "approval.requested", detail: { ...detail, ...actorId } }];
  }
  const vote = after.votes.at(-1);
  if (vote !== undefined && !before.votes.includes(vote)) {
    const detail: JsonObject = {
      answer: vote.status,
      status: approval.status,
      ...(vote.comment === undefined ? {} : { comment: vote.comment }),
      ...(vote.edited === undefined ? {} : { args: vote.edited.args }),
      ...(approval.edited === undefined ? {} : { editedApprovalId: approval.edited.approvalId }),
    };
    return [{ action: "approval.answered", detail, ...(vote.by === "" ? {} : { person: vote.by }) }];
  }
  if (before.takenBy === undefined && after.takenBy !== undefined) {
    return [{ action: "approval.used", detail: { requestId: after.takenBy, ...approval.usedBy } }];
  }
  if (approval.status === before.approval.status) return [];
  const why = approval.status === "cancelled" && approval.comment !== undefined ? { comment: approval.comment } : {};
  return [{ action: `approval.${approval.status}`, detail: why, ...(person === undefined ? {} : { person }) }];
}

function noticesOf(
  before: ApprovalRecord | undefined,
  { approval }: ApprovalRecord,
  { nowMs, newId }: ApprovalCause,
): readonly Notice[] {
  if (before !== undefined && before.approval.status === approval.status) return [];
  const type = before === undefined ? "approval.requested" : "approval.resolved";
  const data: JsonValue = asJson(approval);
  const messageId = `msg_${newId().replaceAll("-", "")}`;
  return [{ messageId, type, atMs: nowMs, giveUpAtMs: nowMs + WEBHOOK_GIVE_UP_MS, data }];
}
