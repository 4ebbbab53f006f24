import type { LockdownAnswer, LockdownScope, LockdownStatus, LockdownStraggler } from "@handlebar/protocol";
import type { CommandContext } from "./command.ts";
import { count, paint, table } from "./screen.ts";

/** Prints a list of stop orders. */
export function printLockdowns(lockdowns: readonly LockdownStatus[], context: CommandContext): void {
  if (lockdowns.length > 0) {
    const rows = lockdowns.map((status) => [
      status.lockdown.lockdownId,
      scopeText(status.lockdown.scope),
      standing(status),
      `${status.acknowledgedCount}/${status.clientCount}`,
      status.lockdown.reason ?? "",
    ]);
    context.out(table([["lockdown", "stops", "standing", "obeyed by", "reason"], ...rows]));
  }
  context.err(`${count(lockdowns.length, "lockdown")}\n`);
}

/** Prints one stop order and who does not obey it yet. */
export function printLockdown(answer: LockdownAnswer, context: CommandContext): void {
  const { lockdown, inForce, acknowledgedCount, clientCount, stragglers } = answer;
  const mark = inForce ? paint(context, "red", "in force") : standing(answer);
  context.out(`${lockdown.lockdownId} stops ${scopeText(lockdown.scope)}: ${mark}\n`);
  if (inForce) context.out(`obeyed by ${acknowledgedCount} of ${count(clientCount, "client")}\n`);
  printCourse(answer, context);
  if (stragglers.length === 0) return;
  const rows = stragglers.map(({ clientId, agent, standing: why, seenAt }) => [
    clientId,
    agent,
    STANDINGS[why],
    seenAt,
  ]);
  context.out(table([["does not obey", "agent", "why", "last heard from"], ...rows]));
}

const STANDINGS: Readonly<Record<LockdownStraggler["standing"], string>> = {
  late: "not yet",
  shadow: "runs in shadow: acts upon no stop",
  off: "runs with Handlebar off",
  silent: "ended without a word, or cut off",
};

/** When those that were running obeyed. */
function printCourse({ course, silentCount }: LockdownAnswer, context: CommandContext): void {
  const { ackMs, stoppedCount, startedCount, points } = course;
  if (ackMs !== undefined) {
    context.out(
      `${count(stoppedCount, "running client")} obeyed: half within ${ackMs.p50} ms, 99 % within ${ackMs.p99} ms, the last after ${ackMs.last} ms\n`,
    );
  }
  if (startedCount > 0) context.out(`${count(startedCount, "client")} started since, and obeyed from the start\n`);
  if (silentCount > 0) context.out(`${count(silentCount, "client")} not heard from for 15 minutes\n`);
  if (points.length > 1) {
    const rows = points.map(({ afterMs, acknowledgedCount }) => [`${afterMs} ms`, acknowledgedCount]);
    context.out(table([["after", "obeyed"], ...rows]));
  }
}

function standing({ inForce, lockdown, liftedAt }: LockdownStatus): string {
  if (inForce) return lockdown.until === undefined ? "in force" : `in force until ${lockdown.until}`;
  return liftedAt === undefined ? "over" : `lifted ${liftedAt}`;
}

function scopeText(scope: LockdownScope): string {
  switch (scope.kind) {
    case "workspace":
      return "everything";
    case "agent":
      return `agent ${scope.slug}`;
    case "actor":
      return `actor ${scope.externalId}`;
    case "session":
      return `session ${scope.sessionId}`;
    case "tool":
      return `tool ${scope.name}`;
  }
}
