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
  const answer = new StreamedAnswer(call, settings);
  const feed = new Feed(source, call, settings);
  return new ReadableStream<SdkStreamPart>({
    pull: async (controller) => {
      for (;;) {
        const { parts, end } = await answer.take(await feed.next());
        for (const part of parts) controller.enqueue(part);
        if (end === undefined && parts.length === 0) continue;
        if (end !== undefined) feed.close();
        if (end === "close") controller.close();
        else if (end !== undefined) controller.error(end.error);
        return;
      }
    },
    cancel: async (reason) => {
      await call.fail(new Error("the stream was left"), settings.callersSignal);
      await feed.cancel(reason);
    },
  });
}

type Next =
  | { readonly kind: "part"; readonly part: SdkStreamPart }
  | { readonly kind: "failed"; readonly error: unknown }
  /** `stopped`: the run was ended, and not by its caller. */
  | { readonly kind: "stopped" | "over" };

/** A model's parts, or the end of the run, whichever comes first. */
class Feed {
  readonly #reader: ReadableStreamDefaultReader<SdkStreamPart>;
  readonly #signal: AbortSignal;
  readonly #callers: AbortSignal | undefined;
  #wake: (next: Next) => void = () => undefined;
  readonly #onAbort = (): void => {
    if (this.#isStopped) this.#wake({ kind: "stopped" });
  };

  constructor(source: ReadableStream<SdkStreamPart>, call: ModelCall, { callersSignal }: StreamSettings) {
    this.#reader = source.getReader();
    this.#signal = call.run.signal;
    this.#callers = callersSignal;
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  next(): Promise<Next> {
    if (this.#isStopped) return Promise.resolve({ kind: "stopped" });
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#reader.read().then(
        ({ done, value }) => resolve(done ? { kind: "over" } : { kind: "part", part: value }),
        (error: unknown) => resolve(this.#isStopped ? { kind: "stopped" } : { kind: "failed", error }),
      );
    });
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    // Nothing waits for what a model says after its end; a provider that fails to stop is its own affair.
    this.#reader.cancel().catch(() => undefined);
  }

  async cancel(reason: unknown): Promise<void> {
    this.#signal.removeEventListener("abort", this.#onAbort);
    await this.#reader.cancel(reason);
  }

  get #isStopped(): boolean {
    return this.#signal.aborted && this.#callers?.aborted !== true;
  }
}

interface Taken {
  readonly parts: readonly SdkStreamPart[];
  readonly end?: "close" | { readonly error: unknown };
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

  async take(next: Next): Promise<Taken> {
    switch (next.kind) {
      case "part":
        return { parts: await this.#part(next.part) };
      case "over":
        return { parts: this.#isFinished ? NOTHING : await this.#finish(undefined), end: "close" };
      case "failed":
        await this.#call.fail(next.error, this.#settings.callersSignal);
        return { parts: NOTHING, end: { error: next.error } };
      case "stopped": {
        const wasFinished = this.#isFinished;
        await this.#call.fail(new Error("the run was ended"), this.#settings.callersSignal);
        return { parts: wasFinished ? NOTHING : this.#close(this.#call.endMessage, undefined), end: "close" };
      }
    }
  }

  async #part(part: SdkStreamPart): Promise<readonly SdkStreamPart[]> {
    if (part.type === "finish") return this.#finish(part);
    if (part.type === "error") this.#error ??= part.error ?? new Error("the stream reported an error");
    const isHeld = this.#content.add(part, this.#settings.holdsBack);
    return isHeld ? NOTHING : [part];
  }

  async #finish(finish: SdkStreamPart | undefined): Promise<readonly SdkStreamPart[]> {
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
