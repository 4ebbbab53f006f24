import type { Runtime, Timer } from "../runtime.ts";

interface Waiter {
  mark: number;
  readonly deadlineAtMs: number;
  readonly timer: Timer;
  readonly resolve: () => void;
}

/** Those who wait until what they wrote has been dealt with. */
export class FlushWaiters {
  readonly #runtime: Runtime;
  readonly #waiters = new Set<Waiter>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get count(): number {
    return this.#waiters.size;
  }

  /** Resolves when every event up to `mark` is settled, or at the deadline. */
  add(mark: number, deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiters.delete(waiter);
        waiter.timer.cancel();
        resolve();
      };
      const waiter: Waiter = {
        mark,
        deadlineAtMs: this.#runtime.clock.monotonicMs() + deadlineMs,
        // Who awaits a flush at the end of a program relies on this timer to keep the process alive until then.
        timer: this.#runtime.timers.set(() => end(), deadlineMs, { keepAlive: true }),
        resolve: end,
      };
      this.#waiters.add(waiter);
    });
  }

  /** All of them also wait for the events up to `mark`. */
  extend(mark: number): void {
    for (const waiter of this.#waiters) waiter.mark = mark;
  }

  /** Lets go of those whose events are settled, and of those who would wait in vain. */
  settle(state: { readonly oldestOrdinal: number; readonly waitMs: number }): void {
    const nextMs = this.#runtime.clock.monotonicMs() + state.waitMs;
    for (const waiter of [...this.#waiters]) {
      if (state.oldestOrdinal > waiter.mark || nextMs > waiter.deadlineAtMs) waiter.resolve();
    }
  }
}
