/**
 * A signal that fires with any of others, for as long as something is under way. `AbortSignal.any` does the same for good, and costs
 * more than the rest of a call's decision.
 */
export class LinkedSignal {
  readonly signal: AbortSignal;
  readonly #links: (readonly [source: AbortSignal, listener: () => void])[] = [];
  #stop: ((reason: unknown) => void) | undefined;
  #stopped: Promise<never> | undefined;

  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    const controller = new AbortController();
    this.signal = controller.signal;
    const fire = (source: AbortSignal): void => {
      controller.abort(source.reason);
      this.#stop?.(source.reason);
    };
    for (const source of sources) {
      if (source === undefined) continue;
      if (source.aborted) {
        fire(source);
        return;
      }
      const listener = (): void => fire(source);
      source.addEventListener("abort", listener, { once: true });
      this.#links.push([source, listener]);
    }
  }

  /** Settles as `work` does, or rejects as soon as the signal fires; `work` itself goes on unobserved. */
  unlessAborted<T>(work: PromiseLike<T>): Promise<T> {
    if (this.#stopped === undefined) {
      this.#stopped = new Promise<never>((_, reject) => {
        this.#stop = reject;
        if (this.signal.aborted) reject(this.signal.reason);
      });
      // It may fire while nobody waits.
      this.#stopped.catch(() => undefined);
    }
    return Promise.race([work, this.#stopped]);
  }

  /** What was under way has ended. */
  release(): void {
    for (const [source, listener] of this.#links) source.removeEventListener("abort", listener);
    this.#links.length = 0;
  }
}
