import type { Runtime, Timer } from "@handlebar/core";

/** A response body whose chunks arrive at the times of a clock; it can be cut, and can fall silent without being cut. */
export class TimedBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #timers: Runtime["timers"];
  readonly #nowMs: () => number;
  readonly #onEnded: () => void;
  readonly #pending = new Set<Timer>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #lastDueMs = 0;
  #isStalled = false;
  #isEnded = false;

  constructor(runtime: Pick<Runtime, "clock" | "timers">, onEnded: () => void) {
    this.#timers = runtime.timers;
    this.#nowMs = () => runtime.clock.monotonicMs();
    this.#onEnded = onEnded;
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.#finish(),
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Lets a chunk arrive after `delayMs`, never before one that was pushed earlier. */
  push(chunk: Uint8Array, delayMs: number): void {
    this.#later(delayMs, () => {
      if (!this.#isStalled) this.#controller?.enqueue(chunk);
    });
  }

  end(delayMs: number): void {
    this.#later(delayMs, () => {
      if (this.#isStalled) return;
      this.#controller?.close();
      this.#finish();
    });
  }

  /** Ends the body in an error, at once or after `delayMs`. */
  fail(error: unknown, delayMs?: number): void {
    const cut = (): void => {
      if (this.#isEnded) return;
      this.#controller?.error(error);
      this.#finish();
    };
    if (delayMs === undefined) cut();
    else this.#pending.add(this.#timers.set(cut, delayMs));
  }

  /** Half open: what is written is lost and nobody learns of it. */
  stall(): void {
    this.#isStalled = true;
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#isEnded) return;
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#nowMs() + delayMs);
    const timer = this.#timers.set(() => {
      this.#pending.delete(timer);
      if (!this.#isEnded) run();
    }, this.#lastDueMs - this.#nowMs());
    this.#pending.add(timer);
  }

  #finish(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
    this.#onEnded();
  }
}
