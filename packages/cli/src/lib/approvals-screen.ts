import type { Approval } from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { count, paint, table } from "./screen.ts";

const ARGS_LENGTH_MAX = 60;

/** Prints a list of approvals. */
export function printApprovals(approvals: readonly Approval[], context: CommandContext): void {
  if (approvals.length > 0) {
    const rows = approvals.map((approval) => [
      shown(approval.approvalId),
      shown(approval.status),
      shown(approval.agent),
      shown(approval.tool),
      cut(argsText(approval)),
      shown(approval.actor?.externalId ?? ""),
      shown(approval.expiresAt),
    ]);
    context.out(table([["approval", "status", "agent", "tool", "arguments", "actor", "until"], ...rows]));
  }
  context.err(`${count(approvals.length, "approval")}\n`);
}

/** Prints one approval with everything that a person needs to answer it. */
export function printApproval(approval: Approval, context: CommandContext): void {
  const { status, by, comment, reason, terms, runId, requestedAt, expiresAt, usedAt, usedBy, edited, editedFrom } =
    approval;
  const lines: (readonly [string, string | undefined])[] = [
    ["status", [status, ...(by === undefined ? [] : [`by ${by}`])].join(" ")],
    ["comment", comment],
    ["agent", approval.agent],
    ["actor", approval.actor?.externalId],
    ["run", runId],
    ["rule", approval.ruleId],
    ["reason", reason],
    ["needs", termsText(terms)],
    ["requested", requestedAt],
    ["until", expiresAt],
    ["used", usedBy === undefined ? usedAt : `${usedAt ?? ""} by call ${usedBy.callId} of run ${usedBy.runId}`],
    ["tool", approval.tool],
    ["arguments", argsText(approval)],
    ["instead", edited === undefined ? undefined : `${JSON.stringify(edited.args)} under ${edited.approvalId}`],
    ["in place of", editedFrom],
  ];
  context.out(`${shown(approval.approvalId)}\n`);
  context.out(table(lines.flatMap(([name, text]) => (text === undefined ? [] : [[name, shown(text)]]))));
  if (approval.argsExact === false) {
    const warning = "the arguments are not shown as they are: some of them are masked, left out or not given";
    context.out(`  ${paint(context, "yellow", warning)}\n`);
  }
  const votes = approval.votes ?? [];
  if (votes.length === 0) return;
  const rows = votes.map((vote) => [vote.status, vote.by ?? "", vote.at, vote.comment ?? ""].map(shown));
  context.out(table([["answer", "by", "at", "comment"], ...rows]));
}

/** Prints what became of one answer. */
export function printOutcome(
  outcome: {
    readonly approvalId: string;
    readonly approval?: Approval | undefined;
    readonly problem?: { readonly code: string; readonly message: string } | undefined;
  },
  context: CommandContext,
): void {
  const { approvalId, approval, problem } = outcome;
  if (problem !== undefined) {
    context.err(`${shown(approvalId)}: ${problem.code}: ${problem.message}\n`);
    return;
  }
  if (approval === undefined) return;
  const votes = (approval.votes ?? []).filter(({ status }) => status === "approved").length;
  const needed = approval.terms?.approvalsNeeded ?? 1;
  const open = approval.status === "pending" ? `, ${votes} of ${needed} approved` : "";
  const instead = approval.edited === undefined ? "" : `; allowed instead: ${JSON.stringify(approval.edited.args)}`;
  context.out(`${shown(approvalId)}: ${approval.status}${open}${shown(instead)}\n`);
}

function termsText(terms: Approval["terms"]): string | undefined {
  if (terms === undefined) return undefined;
  const { approvalsNeeded = 1, approvers, notRequester } = terms;
  const of = approvers === undefined ? "" : ` of ${approvers.join(", ")}`;
  const other = notRequester === true ? ", not the actor" : "";
  return `${count(approvalsNeeded, approvers === undefined ? "person" : "approval")}${of}${other}`;
}

function argsText({ args }: Approval): string {
  return args === undefined ? "(not shown)" : JSON.stringify(args);
}

/** Text that agents wrote must not move the cursor, hide what stands there or turn it round. */
function shown(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

function cut(text: string): string {
  const whole = shown(text);
  return whole.length <= ARGS_LENGTH_MAX ? whole : `${whole.slice(0, ARGS_LENGTH_MAX - 1)}…`;
}
