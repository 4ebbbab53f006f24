const BUSY_TURN_COUNT_MAX = 10_000_000;
const BUSY_MAX_MS = 10_000;

/**
 * Turns of the host's event loop. A turn ends only when no promise callback is left to run, which no number of awaited promises
 * can tell. A message channel gives one on every host, and fake timers of a test runner leave it alone.
 */
export class EventLoop {
  readonly #isBusy: (() => boolean) | undefined;
  #channel: MessageChannel | undefined;
  #resolve: () => void = () => undefined;

  constructor(isBusy: (() => boolean) | undefined) {
    this.#isBusy = isBusy;
  }

  /** A channel that is open keeps the process alive, so it is closed between uses. */
  open(): void {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => this.#resolve();
    this.#channel = channel;
  }

  close(): void {
    this.#channel?.port1.close();
    this.#channel = undefined;
  }

  /** Resolves when everything that is ready has run and nothing real is under way. */
  async turn(): Promise<void> {
    await this.#once();
    if (this.#isBusy?.() !== true) return;
    // Real work takes real time: this is the one place that looks at it, and only to give up.
    const startedMs = performance.now();
    for (let count = 0; count < BUSY_TURN_COUNT_MAX && performance.now() - startedMs < BUSY_MAX_MS; count++) {
      await this.#once();
      if (!this.#isBusy()) {
        await this.#once();
        return;
      }
    }
    throw new Error(`isBusy answered true for ${BUSY_MAX_MS} ms of real time; what it waits for does not end`);
  }

  #once(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#channel?.port2.postMessage(undefined);
    });
  }
}
