import type { RunConfig } from "@handlebar/core";
import { withRun } from "@handlebar/core";
import { type AnyClient, joinOrStartRun, type RunStatus } from "@handlebar/core/adapter";
import type { InvokeConfig } from "./agent-shape.ts";
import { HandlebarGuard } from "./guard.ts";
import { RUN_KEY, type RunSlot } from "./run-source.ts";
import { isObject } from "./tool-shape.ts";

/** One invocation of a governed agent: its run, how it is bound to what happens inside, and how it ends. */
export class Invocation {
  /** The caller's config with the run in it. */
  readonly config: InvokeConfig;
  readonly #slot: RunSlot;
  readonly #owned: boolean;
  readonly #signal: AbortSignal | undefined;
  #isOver = false;

  /** `resumes`: the run is in the checkpoint. `isStream`: the root's own callbacks tell how it ends. */
  constructor(
    hb: AnyClient,
    given: {
      readonly config: InvokeConfig | undefined;
      readonly start: RunConfig<never>;
      readonly resumes: boolean;
      readonly isOnlyWrapper: boolean;
      readonly isStream: boolean;
    },
  ) {
    const { config = {}, start, resumes, isStream, isOnlyWrapper } = given;
    const joined = resumes ? undefined : joinOrStartRun(hb, start);
    this.#slot = { hb, run: joined?.run, start, isOnlyWrapper, isInterrupted: false };
    this.#owned = joined?.owned ?? true;
    this.#signal = config.signal;
    const rootId = config.runId ?? crypto.randomUUID();
    const guard = new HandlebarGuard(this.#slot, isStream ? { rootId, onEnd: (error) => this.end(error) } : undefined);
    this.config = {
      ...config,
      runId: rootId,
      callbacks: withHandler(config.callbacks, guard),
      configurable: { ...config.configurable, [RUN_KEY]: this.#slot },
    };
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

/** The callbacks with one more, whether they come as a list or as a manager. */
function withHandler(callbacks: unknown, handler: HandlebarGuard): unknown {
  if (callbacks === undefined || callbacks === null) return [handler];
  if (Array.isArray(callbacks)) return [...callbacks, handler];
  if (!isObject(callbacks) || !("copy" in callbacks) || typeof callbacks.copy !== "function") return [handler];
  const copy: unknown = callbacks.copy();
  if (isObject(copy) && "addHandler" in copy && typeof copy.addHandler === "function") copy.addHandler(handler, true);
  return copy;
}
