import type { Runtime, Timer } from "../runtime.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

export interface FlushTimerOptions {
  readonly intervalMs: number;
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined;
  /** A drain that takes longer than this was lost with its request. */
  readonly lostAfterMs: number;
  readonly flush: () => Promise<void>;
  readonly fire: () => void;
}

/** Sees to it that what was written is sent soon, by a timer or in the background of a request. */
export class FlushTimer {
  readonly #runtime: Runtime;
  readonly #options: FlushTimerOptions;
  #timer: Timer | undefined;
  #lostAtMs = 0;

  constructor(runtime: Runtime, options: FlushTimerOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Fires once, an interval from now, unless that is already so. Hosts that freeze can lose a timer, so an overdue one does not count. */
  arm(): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    if (this.#timer !== undefined && nowMs <= this.#lostAtMs) return;
    this.#timer?.cancel();
    this.#lostAtMs = nowMs + this.#options.intervalMs + SINK_BOUNDS.attemptGraceMs;
    this.#timer = this.#runtime.timers.set(() => {
      this.#timer = undefined;
      this.#options.fire();
    }, this.#options.intervalMs);
  }

  /** Flushes, an interval from now, in the background of the current request. */
  drain(): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    if (this.#timer !== undefined && nowMs <= this.#lostAtMs) return;
    this.#lostAtMs = nowMs + this.#options.intervalMs + this.#options.lostAfterMs;
    const work = new Promise<void>((resolve) => {
      this.#timer = this.#runtime.timers.set(resolve, this.#options.intervalMs);
    }).then(async () => {
      this.#timer = undefined;
      await this.#options.flush();
    });
    try {
      this.#options.waitUntil?.(work);
    } catch {
      // Outside a request some hosts refuse; the timer that was set still sends.
    }
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
