import type { RunStatus } from "@handlebar/protocol";
import type { Runtime, Timer } from "./runtime.ts";

/** Where a run stands. `terminated` runs wait for their `end`; nothing of theirs starts any more. */
export type RunPhase = "open" | "paused" | "terminated" | "ended";

export interface LifecycleOptions {
  readonly runTtlMs: number;
  readonly idleTtlMs: number;
  readonly onExpired: () => void;
}

/** Why every run's signal fires in the end. One for all, since making one takes as long as a decision. */
const ENDED = new DOMException("the run has ended", "AbortError");

/** The state machine of one run: first status wins, flips are synchronous, the signal fires when nothing may start. */
export class Lifecycle {
  readonly #runtime: Runtime;
  readonly #options: LifecycleOptions;
  /** Made when its signal is first asked for: making and firing one takes longer than a decision. */
  #abort: AbortController | undefined;
  #abortReason: DOMException | undefined;
  readonly #deadlineMs: number;
  #touchedAtMs: number;
  #timer: Timer | undefined;
  #phase: RunPhase = "open";
  #status: RunStatus | undefined;
  #terminatedBy: string | undefined;

  constructor(runtime: Runtime, options: LifecycleOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#touchedAtMs = runtime.clock.monotonicMs();
    this.#deadlineMs = this.#touchedAtMs + options.runTtlMs;
    this.#arm();
  }

  get phase(): RunPhase {
    return this.#phase;
  }

  get status(): RunStatus | undefined {
    return this.#status;
  }

  get terminatedBy(): string | undefined {
    return this.#terminatedBy;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** How `decide` sees the run. */
  get forFacts(): "open" | "ended" | "terminated" {
    return this.#phase === "paused" ? "open" : this.#phase;
  }

  /** A hook was called: the run is in use, and one that was paused goes on. */
  touch(): void {
    this.#touchedAtMs = this.#runtime.clock.monotonicMs();
    if (this.#phase !== "paused") return;
    this.#phase = "open";
    this.#arm();
  }

  pause(): void {
    if (this.#phase !== "open") return;
    this.#phase = "paused";
    this.#timer?.cancel();
  }

  /** Nothing of the run starts any more. False when that was so before. */
  terminate(by: string): boolean {
    if (this.#phase === "terminated" || this.#phase === "ended") return false;
    this.#phase = "terminated";
    this.#terminatedBy = by;
    this.#fire(new DOMException(`the run was ended by policy: ${by}`, "AbortError"));
    return true;
  }

  /** The run is over. False when it was before: the first status stays. */
  end(status: RunStatus): boolean {
    if (this.#phase === "ended") return false;
    this.#status = this.#phase === "terminated" && status === "success" ? "interrupted" : status;
    this.#phase = "ended";
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#fire(ENDED);
    return true;
  }

  /** The first reason stays. */
  #fire(reason: DOMException): void {
    this.#abortReason ??= reason;
    this.#abort?.abort(reason);
  }

  #arm(): void {
    this.#timer?.cancel();
    const nowMs = this.#runtime.clock.monotonicMs();
    const dueMs = Math.min(this.#touchedAtMs + this.#options.idleTtlMs, this.#deadlineMs);
    this.#timer = this.#runtime.timers.set(() => this.#check(), Math.max(1, dueMs - nowMs));
  }

  #check(): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    const isIdle = nowMs - this.#touchedAtMs >= this.#options.idleTtlMs;
    if (isIdle || nowMs >= this.#deadlineMs) this.#options.onExpired();
    else this.#arm();
  }
}
