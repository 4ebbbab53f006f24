import type { Runtime } from "@handlebar/core";

export interface Skew {
  /** How far the wall clock is off. */
  readonly offsetMs: number;
  /** How fast the clock goes: 1.02 counts 1,020 ms in a second. */
  readonly rate: number;
}

export interface MortalRuntime {
  readonly runtime: Runtime;
  /** The process is gone: nothing of it runs any more, and what it asked is answered to nobody. */
  kill(): void;
}

/** A process of its own in a simulated world: with a clock that is off, and a life that can end at any instant. */
export function skewedRuntime(runtime: Runtime, skew: Skew): MortalRuntime {
  const life = new AbortController();
  const { clock, timers } = runtime;
  return {
    runtime: {
      ...runtime,
      clock: {
        nowMs: () => clock.nowMs() + skew.offsetMs,
        monotonicMs: () => clock.monotonicMs() * skew.rate,
      },
      timers: {
        set: (callback, delayMs, options) =>
          timers.set(() => !life.signal.aborted && callback(), delayMs / skew.rate, options),
      },
      fetch: (url, init) => {
        if (life.signal.aborted) return new Promise(() => undefined);
        const answer = runtime.fetch(url, init);
        return new Promise((resolve, reject) => {
          const unlessDead = (run: () => void): void => {
            if (!life.signal.aborted) run();
          };
          answer.then(
            (response) => unlessDead(() => resolve(response)),
            (error: unknown) => unlessDead(() => reject(error)),
          );
        });
      },
    },
    kill: () => life.abort(),
  };
}
