import type { Lockdown } from "@handlebar/protocol";

/** Clocks that differ by less are taken for the same: a message on its way takes time too. */
const CLOCK_DIFFERENCE_MS = 1_000;

/**
 * Stop orders with their `until` on this machine's clock, where it differs from the control plane's: a clock that is ahead must not
 * lift them early. What a message took on its way makes an order hold that much longer, never shorter.
 */
export function inLocalTime(
  lockdowns: readonly Lockdown[],
  { serverTimeMs, nowMs }: { readonly serverTimeMs?: number | undefined; readonly nowMs: number },
): readonly Lockdown[] {
  const aheadMs = serverTimeMs === undefined ? 0 : nowMs - serverTimeMs;
  if (Math.abs(aheadMs) < CLOCK_DIFFERENCE_MS) return lockdowns;
  return lockdowns.map((lockdown) => {
    if (lockdown.until === undefined) return lockdown;
    const until = new Date(Date.parse(lockdown.until) + aheadMs);
    return Number.isNaN(until.getTime()) ? lockdown : { ...lockdown, until: until.toISOString() };
  });
}
