import { policyIdOf } from "@handlebar/engine/check";
import { formatIssue } from "@handlebar/policies";
import type { PolicyFilesReading } from "@handlebar/policies/node";
import type { PoliciesWritten, Policy, ReportedFinding, StoredPolicy } from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { diffLines } from "./line-diff.ts";
import { count, paint, table } from "./screen.ts";

const MARKS = { created: "+", updated: "~", deleted: "-", unchanged: "=" } as const;

/** Prints the policies that a control plane has. */
export function printPolicyList(policies: readonly StoredPolicy[], context: CommandContext): void {
  if (policies.length > 0) {
    const rows = policies.map(({ policyId, version, policy, updatedAt }) => [
      policyId,
      `v${version}`,
      standingOf(policy),
      count(policy.rules.length, "rule"),
      updatedAt,
    ]);
    context.out(table([["policy", "version", "mode", "rules", "changed"], ...rows]));
  }
  context.err(`${policiesText(policies.length)}\n`);
}

/** Whether a policy is enforced, in shadow, or switched off. */
export function standingOf({ enabled, mode }: Policy): string {
  return enabled === false ? "off" : (mode ?? "enforce");
}

/** Prints findings about a policy that is in no file. */
export function printWarnings(findings: readonly ReportedFinding[], context: CommandContext): void {
  printFindings(findings, { policies: [], origins: [] }, context);
}

/** Prints what a write did, or would do. */
export function printChanges(written: PoliciesWritten, context: CommandContext): void {
  const changed = written.changes.filter(({ change }) => change !== "unchanged");
  for (const { policyId, change, version } of changed) {
    const colour = change === "deleted" ? "red" : change === "created" ? "green" : "yellow";
    const becomes = written.dryRun || version === undefined ? "" : ` (version ${version})`;
    context.out(`${paint(context, colour, MARKS[change])} ${policyId}: ${change}${becomes}\n`);
  }
  const what = `${policiesText(changed.length)} ${written.dryRun ? "would change" : "changed"}`;
  context.err(`${what}, ${written.changes.length - changed.length} as they were; revision ${written.revision}\n`);
}

/** Prints findings at the place in the file where the policy was read; returns how many errors there are. */
export function printFindings(
  findings: readonly ReportedFinding[],
  reading: Pick<PolicyFilesReading, "policies" | "origins">,
  context: CommandContext,
): number {
  for (const { severity, code, message, fix, policyId, path, keys } of findings) {
    const mark = severity === "error" ? paint(context, "red", "error") : paint(context, "yellow", "warning");
    const index = reading.policies.findIndex((policy) => policyIdOf(policy) === policyId);
    const place = reading.origins[index]?.placeOf(keys);
    const text = `${message}; ${fix}`;
    const where = path === "" ? policyId : `${policyId} ${path}`;
    context.out(
      place === undefined
        ? `${where}: ${text} ${mark} ${code}\n`
        : `${formatIssue({ ...place, message: text, code: "HB_POLICY_INVALID" })} ${mark} ${code}\n`,
    );
  }
  return findings.filter(({ severity }) => severity === "error").length;
}

/** Prints how one text becomes another. */
export function printDiff(before: string, after: string, context: CommandContext): void {
  for (const line of diffLines(before, after)) {
    if (line === undefined) context.out("  ...\n");
    else if (line.mark === " ") context.out(`    ${line.text}\n`);
    else context.out(`${paint(context, line.mark === "+" ? "green" : "red", `  ${line.mark} ${line.text}`)}\n`);
  }
}

export function policiesText(number: number): string {
  return `${number} ${number === 1 ? "policy" : "policies"}`;
}
