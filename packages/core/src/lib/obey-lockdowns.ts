import { endsRun, findLockdown } from "@handlebar/engine";
import type { RunCore } from "./run-core.ts";

/** Stops a run that a lockdown in force covers, and records that it was seen; in shadow it is only recorded. */
export function obeyLockdowns<TContext extends object>(core: RunCore<TContext>): void {
  if (core.lifecycle.phase === "ended") return;
  const lockdown = findLockdown(core.facts("tool.before"));
  if (lockdown === undefined || core.seenLockdowns.has(lockdown.lockdownId)) return;
  core.seenLockdowns.add(lockdown.lockdownId);
  const enforced = core.services.config.enforceMode === "enforce";
  core.writer.write("lockdown.applied", () => ({
    data: {
      lockdownId: lockdown.lockdownId,
      scope: lockdown.scope,
      ...(lockdown.reason === undefined ? {} : { reason: lockdown.reason }),
      enforced,
    },
  }));
  if (enforced && endsRun(lockdown)) core.lifecycle.terminate(`lockdown ${lockdown.lockdownId}`);
}
