import { forgetOldest } from "./forget-oldest.ts";
import { LIMITS } from "./limits.ts";
import type { Runtime } from "./runtime.ts";

/** When the calls of a run that are in flight were let through, on the monotonic clock, by call id. */
export class CallTimes {
  readonly #clock: Runtime["clock"];
  #startedAtMs: Map<string, number> | undefined;

  constructor(clock: Runtime["clock"]) {
    this.#clock = clock;
  }

  start(callId: string): void {
    this.#startedAtMs ??= new Map();
    this.#startedAtMs.set(callId, this.#clock.monotonicMs());
    forgetOldest(this.#startedAtMs, LIMITS.openCallCountMax);
  }

  /** How long a call took that ends now; 0 where its start is not known. */
  takeDurationMs(callId: string): number {
    const startedAtMs = this.#startedAtMs?.get(callId);
    if (startedAtMs === undefined) return 0;
    this.#startedAtMs?.delete(callId);
    if (this.#startedAtMs?.size === 0) this.#startedAtMs = undefined;
    return this.#clock.monotonicMs() - startedAtMs;
  }
}
