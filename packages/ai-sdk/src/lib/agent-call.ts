import type { RunConfig } from "@handlebar/core";
import { type AnyClient, type AnyRun, joinOrStartRun, resumeRun } from "@handlebar/core/adapter";
import { statusOf } from "./abort.ts";
import { bookOf } from "./run-book.ts";
import { stampedRunId } from "./run-stamp.ts";
import { isObject } from "./sdk-shapes.ts";

/** One call of the SDK, such as of `generateText`, and the run that it belongs to. */
export class AgentCall {
  readonly run: AnyRun;
  readonly #owned: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end("interrupted");

  constructor(hb: AnyClient, params: unknown, start: RunConfig<never>) {
    const { messages, prompt, abortSignal } = isObject(params) ? params : {};
    const paused = stampedRunId(messages) ?? stampedRunId(prompt);
    const { run, owned } = paused === undefined ? joinOrStartRun(hb, start) : resumeRun(hb, paused, start);
    this.run = run;
    this.#owned = owned;
    this.#signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
    // Nothing of the run may start any more, whatever the SDK still does with what it has.
    if (owned) this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (owned && this.#signal?.aborted === true) this.#end("interrupted");
  }

  /** The run was ended, and not by the caller: one that aborted gets from the SDK what it gives without us. */
  get isOver(): boolean {
    return this.run.terminated && this.#signal?.aborted !== true;
  }

  /** The call came to its end, or waits for a person. */
  finish(): void {
    const book = bookOf(this.run);
    const { isWaiting } = book;
    book.isWaiting = false;
    if (this.#owned && isWaiting && !this.run.terminated) {
      this.#forget();
      this.run.pause();
    } else {
      this.#end("success");
    }
  }

  fail(error: unknown): void {
    this.#end(statusOf(error, this.#signal));
  }

  interrupt(): void {
    this.#end("interrupted");
  }

  /** What was recorded is delivered in the background: nobody waits for it. */
  #end(status: Parameters<AnyRun["end"]>[0]): void {
    this.#forget();
    if (this.#owned) void this.run.end(status);
  }

  #forget(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}
