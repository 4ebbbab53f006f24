import type { Runtime } from "../runtime.ts";

/** Waits, without keeping the process alive; resolves early when the signal fires or `wake` is called. */
export class Pause {
  readonly #runtime: Runtime;
  #wake: (() => void) | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#runtime.timers.set(done, delayMs);
      signal.addEventListener("abort", done);
      this.#wake = done;
    });
  }

  wake(): void {
    this.#wake?.();
  }
}
