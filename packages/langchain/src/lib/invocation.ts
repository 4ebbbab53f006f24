import type { RunConfig } from "@handlebar/core";
import { withRun } from "@handlebar/core";
import { type AnyClient, joinOrStartRun, type RunStatus, resumeRun } from "@handlebar/core/adapter";
import type { InvokeConfig } from "./agent-shape.ts";
import { HandlebarGuard, withGuard } from "./guard.ts";
import { type CallRun, RUN_KEY, type RunSlot } from "./run-source.ts";
import { isObject } from "./tool-shape.ts";

/** One invocation of a governed agent: its run, how it is bound to what happens inside, and how it ends. */
export class Invocation {
  /** The caller's config with the run in it. */
  readonly config: InvokeConfig;
  readonly #slot: RunSlot;
  readonly #owned: boolean;
  readonly #signal: AbortSignal | undefined;
  #isOver = false;

  /** `resumes`: the run is in the checkpoint. `guards`: there is more inside than tools to look after. */
  constructor(
    hb: AnyClient,
    given: {
      readonly config: InvokeConfig | undefined;
      readonly start: RunConfig<never>;
      readonly resumes: boolean;
      /** The run that waits, where it is known before anything of the agent runs. */
      readonly runId?: string | undefined;
      readonly isOnlyWrapper: boolean;
      readonly guards: boolean;
    },
  ) {
    const { config = {}, start, resumes, guards, isOnlyWrapper, runId } = given;
    const joined = resumes ? undefined : begin(hb, runId, start);
    this.#slot = { hb, run: joined?.run, start, isOnlyWrapper, isInterrupted: false };
    this.#owned = joined?.owned ?? true;
    this.#signal = config.signal;
    const configurable = { ...config.configurable, [RUN_KEY]: this.#slot };
    const guarded = guards ? { callbacks: withGuard(config.callbacks, new HandlebarGuard(this.#slot)) } : {};
    this.config = { ...config, ...guarded, configurable };
  }

  /** Runs what starts the agent with its run as the current one. */
  within<T>(start: () => T): T {
    const { run } = this.#slot;
    return run === undefined ? start() : withRun(run, start);
  }

  /** The agent waits for a person: its run stays open. */
  pause(): void {
    this.#slot.isInterrupted = true;
  }

  /** The agent has come to its end; the first one counts. `failure`: what it threw, if it did. */
  end(failure?: { readonly error: unknown }): void {
    const { run, isInterrupted } = this.#slot;
    if (this.#isOver) return;
    this.#isOver = true;
    if (run === undefined || !this.#owned) return;
    if (failure === undefined && (isInterrupted || run.state === "paused")) {
      run.pause();
      return;
    }
    void run.end(this.#statusOf(failure));
  }

  /** Nobody reads the agent's stream any more. */
  leave(): void {
    const { run, isInterrupted } = this.#slot;
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#owned && run !== undefined && !isInterrupted) void run.end("interrupted");
  }

  #statusOf(failure: { readonly error: unknown } | undefined): RunStatus {
    if (failure === undefined) return "success";
    return this.#signal?.aborted === true || isAbort(failure.error) ? "interrupted" : "error";
  }
}

function isAbort(error: unknown): boolean {
  return isObject(error) && "name" in error && error.name === "AbortError";
}

function begin(hb: AnyClient, runId: string | undefined, start: RunConfig<never>): CallRun {
  return runId === undefined ? joinOrStartRun(hb, start) : resumeRun(hb, runId, start);
}
