import type { Runtime } from "./runtime.ts";

export type Timed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: "timeout" | "aborted" | "failed"; readonly error?: unknown };

/**
 * Waits for `work` at most `timeoutMs`, or until `signal` fires; never throws. Work that comes later is ignored, its
 * rejection included. The timer keeps the process alive only where `keepAlive` says so.
 */
export function withDeadline<T>(
  runtime: Runtime,
  work: Promise<T>,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined; readonly keepAlive?: boolean },
): Promise<Timed<T>> {
  return new Promise((resolve) => {
    const settle = (result: Timed<T>): void => {
      timer.cancel();
      options.signal?.removeEventListener("abort", onAbort);
      resolve(result);
    };
    const onAbort = (): void => settle({ ok: false, reason: "aborted" });
    const timer = runtime.timers.set(() => settle({ ok: false, reason: "timeout" }), options.timeoutMs, {
      keepAlive: options.keepAlive ?? true,
    });
    // First of all, so that a rejection that nobody waits for any more is not an unhandled one.
    work.then(
      (value) => settle({ ok: true, value }),
      (error: unknown) => settle({ ok: false, reason: "failed", error }),
    );
    if (options.signal?.aborted === true) onAbort();
    else options.signal?.addEventListener("abort", onAbort);
  });
}
