import type { AppliedState } from "./applied-state.ts";
import { errorText } from "./error-text.ts";
import type { Runtime } from "./runtime.ts";
import type { SafeLogger } from "./safe-logger.ts";
import type { CachedState, StateCache, StateScope } from "./state-cache.ts";

/** How often an unchanged state is kept again, so that the time of the last contact is roughly right. */
const CONFIRM_INTERVAL_MS = 60_000;

/** Hands what is in force to the user's state cache, and takes over at the start what it kept. */
export class StateKeeper {
  readonly #cache: StateCache;
  readonly #scope: StateScope;
  readonly #state: AppliedState;
  readonly #runtime: Runtime;
  readonly #logger: SafeLogger;
  #confirmedAtMs: number | undefined;
  #nextConfirmMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly cache: StateCache;
    readonly scope: StateScope;
    readonly state: AppliedState;
    readonly runtime: Runtime;
    readonly logger: SafeLogger;
  }) {
    this.#cache = options.cache;
    this.#scope = options.scope;
    this.#state = options.state;
    this.#runtime = options.runtime;
    this.#logger = options.logger;
  }

  /** What was kept, where there is something. */
  load(): CachedState | undefined {
    const kept = this.#guard(() => this.#cache.load(this.#scope));
    this.#confirmedAtMs = kept?.confirmedAtMs;
    return kept;
  }

  /** Milliseconds since the kept state was confirmed; infinite where none was taken over. A clock that went back counts as no time. */
  ageMs(): number {
    if (this.#confirmedAtMs === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#runtime.clock.nowMs() - this.#confirmedAtMs);
  }

  /** What is in force has changed. */
  changed(): void {
    const kept = this.#state.received;
    if (kept === undefined) return;
    this.#nextConfirmMs = this.#runtime.clock.monotonicMs() + CONFIRM_INTERVAL_MS;
    this.#guard(() => this.#cache.save(this.#scope, { ...kept, confirmedAtMs: this.#runtime.clock.nowMs() }));
  }

  /** The control plane was heard from. */
  confirmed(): void {
    if (this.#runtime.clock.monotonicMs() >= this.#nextConfirmMs) this.changed();
  }

  async flush(): Promise<void> {
    try {
      await this.#cache.flush();
    } catch (error) {
      this.#report(error);
    }
  }

  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #report(error: unknown): void {
    this.#logger.warnOnce("state-cache", `HB_STATE_CACHE_FAILED: the state cache failed: ${errorText(error)}`);
  }
}
