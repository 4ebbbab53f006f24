export interface BackoffBounds {
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

/** Exponential backoff with equal jitter: half of the step is certain, half is random. `failureCount` starts at 1. */
export function backoffMs(failureCount: number, bounds: BackoffBounds, random: () => number): number {
  const step = Math.min(bounds.backoffMaxMs, bounds.backoffBaseMs * 2 ** Math.min(failureCount - 1, 30));
  return step / 2 + (random() * step) / 2;
}

/** Reads `Retry-After`, in seconds or as a date, as milliseconds from now; `undefined` when it says nothing. */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (!/[a-z]/i.test(text)) return undefined;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

/**
 * How long to wait when the server said how long: never less than it asked up to `retryAfterMaxMs`, and up to a tenth more so that
 * clients do not return together.
 */
export function serverDelayMs(
  retryAfterMs: number,
  bounds: { readonly backoffBaseMs: number; readonly retryAfterMaxMs: number },
  random: () => number,
): number {
  const askedMs = Math.min(Math.max(retryAfterMs, bounds.backoffBaseMs), bounds.retryAfterMaxMs);
  return askedMs * (1 + random() / 10);
}
