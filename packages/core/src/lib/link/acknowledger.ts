import type { Runtime } from "../runtime.ts";
import { backoffMs } from "../sinks/retry-delay.ts";
import type { ApiClient } from "./api-client.ts";
import { LINK_TIMES } from "./link-times.ts";
import { Pause } from "./wait.ts";

export interface AcknowledgerOptions {
  readonly runtime: Runtime;
  readonly api: ApiClient;
  readonly requestTimeoutMs: number;
  readonly signal: AbortSignal;
  /** What is in force here now, and where to say so; `undefined` while nobody can be told. */
  readonly message: () => { readonly path: string; readonly body: object } | undefined;
}

/**
 * Tells the control plane what is in force here: one message at a time, so that an older one never comes after a newer one, and
 * again until it arrived. What changes meanwhile goes out with the next one.
 */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #pause: Pause;
  readonly #turn: Pause;
  #isDue = false;
  #hasLeft = false;
  #telling: Promise<void> | undefined;
  #ahead: Promise<void> | undefined;
  #passed: () => void = () => undefined;

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.#pause = new Pause(options.runtime);
    this.#turn = new Pause(options.runtime);
  }

  /** Something changed. */
  due(): void {
    if (this.#hasLeft) return;
    this.#isDue = true;
    this.#goFirst();
    void this.#start();
    this.#pause.wake();
  }

  /**
   * Resolves when the message that is about to go out went out; `undefined` where none is. Whoever gave a stop order waits for it: what the
   * runs that it ended have to say can come after.
   */
  get ahead(): Promise<void> | undefined {
    return this.#ahead;
  }

  /** The control plane can be reached again. */
  wake(): void {
    this.#pause.wake();
  }

  /** Says goodbye, once: `message` is asked for the last time. Resolves when it arrived, or did not. */
  leave(): Promise<void> {
    this.#isDue = true;
    this.#hasLeft = true;
    this.#pause.wake();
    return this.#start();
  }

  /** Of messages that wait for an answer, or to be tried again, nobody has to wait. */
  #goFirst(): void {
    if (this.#telling !== undefined) return;
    this.#ahead = new Promise((resolve) => {
      this.#passed = resolve;
    });
  }

  #pass(): void {
    this.#ahead = undefined;
    this.#passed();
  }

  #start(): Promise<void> {
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
      this.#pass();
    });
    return this.#telling;
  }

  async #tell(): Promise<void> {
    const { runtime, api, requestTimeoutMs: timeoutMs, signal, message } = this.#options;
    for (let attempt = 1; this.#isDue && !signal.aborted; ) {
      // A call that was decided before starts in the turn of its decision: what is said here is true of it too.
      await this.#turn.wait(0, signal);
      const now = message();
      this.#isDue = false;
      if (now === undefined || signal.aborted) return;
      const asked = api.request({ method: "POST", ...now, timeoutMs, signal });
      this.#pass();
      const answer = await asked;
      if (answer.ok || answer.reason === "rejected") {
        attempt = 1;
        continue;
      }
      if (this.#hasLeft && !this.#isDue) return;
      this.#isDue = true;
      await this.#pause.wait(backoffMs(attempt++, BACKOFF, runtime.random), signal);
    }
  }
}

const BACKOFF = { backoffBaseMs: LINK_TIMES.registerBackoffBaseMs, backoffMaxMs: LINK_TIMES.registerBackoffMaxMs };
