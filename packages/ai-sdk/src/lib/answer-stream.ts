import { closingFinish, isCall, textParts, withoutCalls } from "./closing-answer.ts";
import type { ModelCall } from "./model-call.ts";
import type { SdkStreamPart } from "./sdk-shapes.ts";
import { StreamedContent } from "./streamed-content.ts";

export interface StreamSettings {
  readonly specificationVersion: string;
  readonly callersSignal: AbortSignal | undefined;
  /**
   * What waits for the end of the answer: `all` where policy may change it, `calls` where calls may have to be taken out, else
   * only the calls themselves, without what of them is shown while they are being written.
   */
  readonly holdsBack: "all" | "calls" | "starts";
}

/**
 * A model's stream before the run's policies. Calls wait for the end of the answer, where what it used is counted, so that none is
 * executed before.
 */
export function governStream(
  source: ReadableStream<SdkStreamPart>,
  call: ModelCall,
  settings: StreamSettings,
): ReadableStream<SdkStreamPart> {
  return new ReadableStream<SdkStreamPart>(new GovernedSource(source, call, settings));
}

type Controller = ReadableStreamDefaultController<SdkStreamPart>;

/** Hands on a model's parts as they come, until its end or the end of the run, whichever comes first. */
class GovernedSource implements UnderlyingDefaultSource<SdkStreamPart> {
  readonly #reader: ReadableStreamDefaultReader<SdkStreamPart>;
  readonly #answer: StreamedAnswer;
  readonly #call: ModelCall;
  readonly #callers: AbortSignal | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#stopWaiting();
  /** Set while the model is waited for. */
  #waiting: Controller | undefined;
  #isOver = false;

  constructor(source: ReadableStream<SdkStreamPart>, call: ModelCall, settings: StreamSettings) {
    this.#reader = source.getReader();
    this.#answer = new StreamedAnswer(call, settings);
    this.#call = call;
    this.#callers = settings.callersSignal;
    this.#signal = call.run.signal;
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async pull(controller: Controller): Promise<void> {
    while (!this.#isOver) {
      if (this.#isStopped) return this.#stop(controller);
      this.#waiting = controller;
      let read: ReadableStreamReadResult<SdkStreamPart>;
      try {
        read = await this.#reader.read();
      } catch (error) {
        return this.#fail(controller, error);
      }
      if (this.#waiting === undefined) return;
      this.#waiting = undefined;
      if (read.done) return this.#end(controller, await this.#answer.finish(undefined));
      if (read.value.type === "finish") {
        const parts = await this.#answer.finish(read.value);
        for (const part of parts) controller.enqueue(part);
        return;
      }
      if (this.#answer.holds(read.value)) continue;
      controller.enqueue(read.value);
      return;
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#isOver = true;
    this.#waiting = undefined;
    await this.#call.fail(new Error("the stream was left"), this.#callers);
    this.#signal.removeEventListener("abort", this.#onAbort);
    await this.#reader.cancel(reason);
  }

  async #fail(controller: Controller, error: unknown): Promise<void> {
    if (this.#waiting === undefined) return;
    this.#waiting = undefined;
    if (this.#isStopped) return this.#stop(controller);
    await this.#call.fail(error, this.#callers);
    this.#end(controller, NOTHING, { error });
  }

  #stopWaiting(): void {
    const controller = this.#waiting;
    if (controller === undefined || !this.#isStopped) return;
    this.#waiting = undefined;
    this.#stop(controller).catch((error: unknown) => controller.error(error));
  }

  async #stop(controller: Controller): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end(controller, await this.#answer.stop());
  }

  #end(controller: Controller, parts: readonly SdkStreamPart[], failure?: { readonly error: unknown }): void {
    this.#isOver = true;
    for (const part of parts) controller.enqueue(part);
    this.#signal.removeEventListener("abort", this.#onAbort);
    // Nothing waits for what a model says after its end; a provider that fails to stop is its own affair.
    this.#reader.cancel().catch(() => undefined);
    if (failure === undefined) controller.close();
    else controller.error(failure.error);
  }

  /** The run was ended, and not by its caller. */
  get #isStopped(): boolean {
    return this.#signal.aborted && this.#callers?.aborted !== true;
  }
}

const NOTHING: readonly SdkStreamPart[] = [];

/** Decides what of a streamed answer goes on, and when. */
class StreamedAnswer {
  readonly #call: ModelCall;
  readonly #settings: StreamSettings;
  readonly #content = new StreamedContent();
  #isFinished = false;
  #error: unknown;

  constructor(call: ModelCall, settings: StreamSettings) {
    this.#call = call;
    this.#settings = settings;
  }

  /** Takes a part in that does not end the answer; true where it has to wait. */
  holds(part: SdkStreamPart): boolean {
    if (part.type === "error") this.#error ??= part.error ?? new Error("the stream reported an error");
    return this.#content.add(part, this.#settings.holdsBack);
  }

  /** The run was ended: what goes out in place of the rest. */
  async stop(): Promise<readonly SdkStreamPart[]> {
    const wasFinished = this.#isFinished;
    await this.#call.fail(new Error("the run was ended"), this.#settings.callersSignal);
    return wasFinished ? NOTHING : this.#close(this.#call.endMessage, undefined);
  }

  /** The answer is whole: what of it waited and may go on. `finish`: the part that says so, where there is one. */
  async finish(finish: SdkStreamPart | undefined): Promise<readonly SdkStreamPart[]> {
    if (finish === undefined && this.#isFinished) return NOTHING;
    this.#isFinished = true;
    const end = finish === undefined ? NOTHING : [finish];
    if (this.#error !== undefined) {
      await this.#call.fail(this.#error, this.#settings.callersSignal);
      return end;
    }
    const { content } = this.#content;
    const settled = await this.#call.settle(content, finish?.usage);
    if (settled.status === "denied") return this.#close(settled.message, finish);
    const parts = this.#content.release(settled.content);
    const lostCalls = content.some(isCall) && !settled.content.some((part) => part !== undefined && isCall(part));
    const finishReason = withoutCalls(this.#settings.specificationVersion);
    return [...parts, ...(lostCalls ? end.map((part) => ({ ...part, finishReason })) : end)];
  }

  /** Ends the answer with words of ours in place of what has not gone out. */
  #close(message: string, finish: SdkStreamPart | undefined): readonly SdkStreamPart[] {
    this.#isFinished = true;
    const closing = closingFinish(this.#settings.specificationVersion);
    const end = finish === undefined ? closing : { ...finish, finishReason: closing.finishReason };
    return [...this.#content.closeOpen(), ...textParts("handlebar", message), end];
  }
}
