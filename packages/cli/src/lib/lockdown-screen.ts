import type { LockdownAnswer, LockdownScope, LockdownStatus } from "@handlebar/protocol";
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
  if (!inForce) return;
  context.out(`obeyed by ${acknowledgedCount} of ${count(clientCount, "client")}\n`);
  if (stragglers.length === 0) return;
  const rows = stragglers.map(({ clientId, agent, ackedAt }) => [clientId, agent, ackedAt]);
  context.out(table([["not yet", "agent", "last heard from"], ...rows]));
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
