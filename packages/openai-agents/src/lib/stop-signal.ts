import type { AnyRun } from "@handlebar/core/adapter";
import type { RunErrorHandlerInput, RunErrorHandlerResult, RunResult } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import type { AnyAgent, AnyState, Framework } from "./framework.ts";
import type { AnyOptions } from "./governed-run.ts";

type Handler = (input: RunErrorHandlerInput<unknown, AnyAgent>) => unknown;
interface Handlers {
  readonly modelRefusal?: Handler | undefined;
  readonly default?: Handler | undefined;
}

/**
 * Stops one run of the framework when policy ends the run: aborts the code of tools that runs, and sees to it that the caller
 * gets a result and no exception. The framework hands its state to nobody but handlers of a refusal, so it is stopped by one.
 */
export class StopSignal {
  readonly #run: AnyRun;
  readonly #framework: Framework;
  readonly #abort = new AbortController();
  readonly #onAbort = () => this.#stop();
  readonly #handlers: Handlers;
  #state: AnyState | undefined;
  /** The program's options with what stops the run laid over them. */
  readonly options: AnyOptions;

  constructor(
    run: AnyRun,
    { framework, options }: { readonly framework: Framework; readonly options: AnyOptions | undefined },
  ) {
    this.#run = run;
    this.#framework = framework;
    // Of the handlers two are called, with what the framework gives them.
    this.#handlers = (options?.errorHandlers ?? {}) as Handlers;
    run.signal.addEventListener("abort", this.#onAbort, { once: true });
    const { handlebar: _, ...own } = options ?? {};
    const { signal: stop } = this.#abort;
    const signal = own.signal === undefined ? stop : AbortSignal.any([own.signal, stop]);
    ledgerOf(run).stopSignal = stop;
    const modelRefusal: Handler = (input) => this.#onRefusal(input);
    this.options = { ...own, signal, errorHandlers: { ...own.errorHandlers, modelRefusal } };
  }

  /** What the caller gets for an error that is only the end of the run. */
  resultOf(error: unknown): RunResult<unknown, AnyAgent> | undefined {
    if (this.#state === undefined || !(error instanceof this.#framework.ModelRefusalError)) return undefined;
    // The state is the framework's own, as its handler was given it.
    return new this.#framework.RunResult(this.#state as ConstructorParameters<Framework["RunResult"]>[0]);
  }

  dispose(): void {
    this.#run.signal.removeEventListener("abort", this.#onAbort);
  }

  /** With no code running, the model is told instead and the agent ends by itself, with a last word. */
  #stop(): void {
    if (ledgerOf(this.#run).hasRunningCode) this.#abort.abort(new this.#framework.ModelRefusalError(this.#message));
  }

  get #message(): string {
    return ledgerOf(this.#run).stopMessage ?? "this run was ended by policy";
  }

  async #onRefusal(
    input: RunErrorHandlerInput<unknown, AnyAgent>,
  ): Promise<RunErrorHandlerResult<AnyAgent> | undefined> {
    const own = this.#handlers.modelRefusal ?? this.#handlers.default;
    const isStop = this.#run.terminated;
    const isText = input.runData.lastAgent?.outputType === "text";
    if (isStop && isText) return { finalOutput: this.#message };
    // The program's handler gives what the framework's type asks of it.
    const given = (await own?.(input)) as RunErrorHandlerResult<AnyAgent> | undefined;
    if (isStop && !given) this.#state = input.runData.state;
    return given;
  }
}
