import type {
  AckClient,
  AcksAnswer,
  PolicyVersion,
  PolicyVersions,
  ShadowCounts,
  StoredPolicy,
} from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { policiesText, standingOf } from "./policies-screen.ts";
import { count, paint, table } from "./screen.ts";

/** Prints every policy with what it would have done in shadow, and who has the newest ones. */
export function printPoliciesStatus(
  policies: readonly StoredPolicy[],
  acks: AcksAnswer,
  context: CommandContext,
): void {
  if (policies.length > 0) {
    const rows = policies.map(({ policyId, version, policy, shadow }) => [
      policyId,
      `v${version}`,
      standingOf(policy),
      ...shadowCells(shadow),
    ]);
    context.out(table([["policy", "version", "mode", ...SHADOW_HEAD], ...rows]));
  }
  printAcks(acks, context);
  context.err(`${policiesText(policies.length)}; last change with revision ${acks.revision}\n`);
}

/** Prints the history of one policy, newest first, and who has its newest version. */
export function printPolicyStatus(
  { policyId, versions }: PolicyVersions,
  acks: AcksAnswer,
  context: CommandContext,
): void {
  const rows = versions.map((version) => [
    `v${version.version}`,
    version.policy === undefined ? "" : standingOf(version.policy),
    originText(version),
    version.by ?? version.createdBy,
    version.createdAt,
    ...shadowCells(version.shadow),
    version.comment ?? "",
  ]);
  context.out(table([["version", "mode", "how", "by", "when", ...SHADOW_HEAD, "why"], ...rows]));
  printAcks(acks, context);
  context.err(`${policyId}: ${count(versions.length, "version")}; the newest came with revision ${acks.revision}\n`);
}

/** What a version would have done, as a sentence's part. */
export function shadowText(shadow: ShadowCounts | undefined): string {
  if (shadow === undefined) return "it was not asked yet";
  const { decisionCount, blockCount, holdCount, redactCount } = shadow;
  const done = `it would have blocked ${blockCount}, held ${holdCount} and redacted ${redactCount}`;
  return `${done} of ${count(decisionCount, "decision")}`;
}

const SHADOW_HEAD = ["would block", "hold", "redact", "of"] as const;

function shadowCells(shadow: ShadowCounts | undefined): readonly string[] {
  if (shadow === undefined) return ["", "", "", ""];
  return [shadow.blockCount, shadow.holdCount, shadow.redactCount, shadow.decisionCount].map(String);
}

function originText({ origin, fromVersion }: PolicyVersion): string {
  switch (origin) {
    case "promoted":
      return `promoted v${fromVersion}`;
    case "rolled-back":
      return `back to v${fromVersion}`;
    case "deleted":
    case "saved":
      return origin;
  }
}

/** Says how many clients have the newest policies, and names those that do not. */
function printAcks({ counts, unenforcedCount, clients }: AcksAnswer, context: CommandContext): void {
  const { current, behind, refused, silent } = counts;
  const all = current + behind + refused + silent;
  if (all === 0) {
    context.out("no client is running\n");
    return;
  }
  const others = [
    ...(unenforcedCount === 0 ? [] : [`of which ${unenforcedCount} in shadow or with Handlebar off`]),
    ...(refused === 0 ? [] : [paint(context, "red", `${refused} refused it`)]),
    ...(behind === 0 ? [] : [paint(context, "yellow", `${behind} not yet`)]),
    ...(silent === 0 ? [] : [`${silent} not heard from for 15 minutes`]),
  ];
  context.out(`in force at ${current} of ${count(all, "client")}${others.map((text) => `, ${text}`).join("")}\n`);
  const without = clients.filter(({ standing }) => standing !== "current");
  if (without.length === 0) return;
  const rows = without.map((client) => [
    client.clientId,
    client.agent,
    `revision ${client.revision}`,
    client.seenAt,
    whyText(client),
  ]);
  context.out(table([["client", "agent", "has", "last heard from", "why"], ...rows]));
}

function whyText({ standing, refused }: AckClient): string {
  if (standing === "refused") return `refused: ${refusalText(refused)}`;
  return standing === "silent" ? "ended without a word, or cut off" : "not yet";
}

/** The code, once: messages of refusals begin with it. */
function refusalText(refused: AckClient["refused"]): string {
  if (refused === undefined) return "";
  const { code, message } = refused;
  return message.startsWith(code) ? message : `${code}: ${message}`;
}
