import type { ServerLog } from "../services/server-log.ts";
import type { ServerRuntime } from "../services/server-runtime.ts";
import type { Store } from "../storage/store.ts";

/** Whether this process can serve, and what it lacks. */
export interface ReadinessReport {
  readonly isReady: boolean;
  readonly checks: Readonly<Record<"started" | "running" | "store", boolean>>;
}

export interface ReadinessDeps {
  readonly store: Pick<Store, "ping">;
  readonly runtime: ServerRuntime;
  readonly log: ServerLog;
}

/** A database that takes longer to say that it is there is not. */
const PING_TIMEOUT_MS = 2000;
/** Whoever asks within it gets the answer from before: probes must not load the database. */
const REPORT_TTL_MS = 1000;

/** Says truly whether requests can be answered now: the process has started, does not stop, and its database answers. */
export class Readiness {
  readonly #deps: ReadinessDeps;
  #isStarted = false;
  #isStopping = false;
  #storeAnswers = false;
  #isMissed = false;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;

  constructor(deps: ReadinessDeps) {
    this.#deps = deps;
  }

  started(): void {
    this.#isStarted = true;
  }

  stopping(): void {
    this.#isStopping = true;
  }

  /** As last seen. */
  get isReady(): boolean {
    return this.#isStarted && !this.#isStopping && this.#storeAnswers;
  }

  async report(): Promise<ReadinessReport> {
    if (this.#deps.runtime.monotonicMs() - this.#checkedAtMs > REPORT_TTL_MS) {
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined;
      });
      await this.#checking;
    }
    const checks = { started: this.#isStarted, running: !this.#isStopping, store: this.#storeAnswers };
    return { isReady: this.isReady, checks };
  }

  async #check(): Promise<void> {
    const { store, runtime, log } = this.#deps;
    this.#storeAnswers = await new Promise<boolean>((resolve) => {
      const timer = runtime.after(PING_TIMEOUT_MS, () => resolve(false));
      store.ping().then(
        () => {
          timer.cancel();
          resolve(true);
        },
        (error: unknown) => {
          timer.cancel();
          if (!this.#isMissed) log.error({ err: error }, "the database does not answer");
          resolve(false);
        },
      );
    });
    if (this.#isMissed && this.#storeAnswers) log.info({}, "the database answers again");
    this.#isMissed = !this.#storeAnswers;
    this.#checkedAtMs = runtime.monotonicMs();
  }
}
