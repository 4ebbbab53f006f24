import type { Runtime } from "../runtime.ts";

const FAILURE_COUNT_MAX = 5;
const OPEN_BASE_MS = 5_000;
const OPEN_MAX_MS = 60_000;

/**
 * Stops asking an endpoint that does not answer: after five failures in a row it refuses for 5 s, then lets one probe
 * through; each failed probe doubles the pause up to a minute.
 */
export class Breaker {
  readonly #runtime: Runtime;
  #failureCount = 0;
  #openMs = 0;
  #closedAtMs = 0;
  #isProbing = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether a request may go out now. A caller that was told yes reports how it went. */
  tryEnter(): boolean {
    if (this.#failureCount < FAILURE_COUNT_MAX) return true;
    if (this.#isProbing || this.#runtime.clock.monotonicMs() < this.#closedAtMs) return false;
    this.#isProbing = true;
    return true;
  }

  succeeded(): void {
    this.#failureCount = 0;
    this.#openMs = 0;
    this.#isProbing = false;
  }

  failed(): void {
    const wasProbing = this.#isProbing;
    this.#failureCount += 1;
    this.#isProbing = false;
    // Requests that were under way when it opened say nothing new.
    if (this.#failureCount < FAILURE_COUNT_MAX || (this.#openMs > 0 && !wasProbing)) return;
    this.#openMs = Math.min(OPEN_MAX_MS, this.#openMs === 0 ? OPEN_BASE_MS : this.#openMs * 2);
    this.#closedAtMs = this.#runtime.clock.monotonicMs() + this.#openMs;
  }
}
