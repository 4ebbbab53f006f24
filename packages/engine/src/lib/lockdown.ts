import type { Lockdown } from "@handlebar/protocol";
import type { Facts } from "./facts.ts";

/**
 * The stop order that covers these facts: one that ends the run before one for a tool alone, then the first by id, so that
 * the order of the list does not matter.
 */
export function findLockdown(facts: Facts): Lockdown | undefined {
  let found: Lockdown | undefined;
  for (const lockdown of facts.lockdowns ?? []) {
    if (!isInForce(lockdown, facts.nowMs) || !covers(lockdown, facts)) continue;
    if (found === undefined || isBefore(lockdown, found)) found = lockdown;
  }
  return found;
}

/** A stop order for a tool blocks its calls and lets the run go on; any other ends the run. */
export function endsRun(lockdown: Lockdown): boolean {
  return lockdown.scope.kind !== "tool";
}

/** A time that cannot be read never lifts an order. */
function isInForce({ until }: Lockdown, nowMs: number): boolean {
  return until === undefined || !(Date.parse(until) <= nowMs);
}

function covers({ scope }: Lockdown, facts: Facts): boolean {
  switch (scope.kind) {
    case "workspace":
      return true;
    case "agent":
      return scope.slug === facts.agent.slug;
    case "actor":
      return scope.externalId === facts.actor?.externalId;
    case "session":
      return scope.sessionId === facts.run.sessionId;
    case "tool":
      return scope.name === facts.call?.tool.name;
  }
}

function isBefore(a: Lockdown, b: Lockdown): boolean {
  if (endsRun(a) !== endsRun(b)) return endsRun(a);
  return a.lockdownId < b.lockdownId;
}
