import type { Runtime } from "../runtime.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

/** Warns about the same thing at most once a minute, and never throws. Keys come from this code, so they are few. */
export class RateLimitedLog {
  readonly #runtime: Runtime;
  readonly #lastMs = new Map<string, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  warn(key: string, message: string): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    const lastMs = this.#lastMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < SINK_BOUNDS.warnIntervalMs) return;
    this.#lastMs.set(key, nowMs);
    try {
      this.#runtime.logger.warn(message);
    } catch {
      // The logger is the last place to report to.
    }
  }
}
