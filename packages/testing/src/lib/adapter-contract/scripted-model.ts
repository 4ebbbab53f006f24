import type { Usage } from "@handlebar/core";
import type { JsonValue } from "@handlebar/protocol";
import type { ModelCall, ModelRequest, ModelTurn, PlanModel } from "./adapter-subject.ts";

/** One answer of a scripted model, shortest said. */
export interface Line {
  /** Text, or the pieces in which it is streamed. Default: none. */
  readonly say?: string | readonly string[] | undefined;
  /** Tools to call with their arguments. Ids are `call-1`, `call-2` ... over the whole script unless given. */
  readonly calls?: readonly LineCall[] | undefined;
  /** Default: 10 tokens in, 5 out. */
  readonly usage?: Usage | undefined;
  /** The provider throws this instead of answering. */
  readonly throws?: Error | undefined;
  readonly failsAfter?: Error | undefined;
  /** Something that must have happened before the model answers. */
  readonly after?: ((request: ModelRequest) => Promise<void> | void) | undefined;
}

export type LineCall =
  | readonly [tool: string, args?: JsonValue & object]
  | readonly [tool: string, args: JsonValue & object, callId: string];

const USAGE: Usage = { inputTokens: 10, outputTokens: 5 };

/** A provider that says its lines in order, and "the end" after the last; it keeps what it was asked. */
export class ScriptedModel implements PlanModel {
  readonly requests: ModelRequest[] = [];
  readonly #lines: readonly Line[];
  #callCount = 0;
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  async answer(request: ModelRequest): Promise<ModelTurn> {
    this.requests.push(structuredClone({ messages: request.messages, tools: request.tools }));
    const line = this.#lines[this.#at++] ?? { say: "the end" };
    await line.after?.(request);
    if (line.throws !== undefined) throw line.throws;
    return {
      chunks: line.say === undefined ? [] : typeof line.say === "string" ? [line.say] : line.say,
      calls: (line.calls ?? []).map((call) => this.#call(call)),
      usage: line.usage ?? USAGE,
      failsAfter: line.failsAfter,
    };
  }

  /** Everything that the provider was ever sent, as text. */
  get sent(): string {
    return JSON.stringify(this.requests.map(({ messages }) => messages));
  }

  /** The messages of one request, as text. */
  sentIn(index: number): string {
    return JSON.stringify(this.requests[index]?.messages ?? []);
  }

  #call([tool, args, callId]: LineCall): ModelCall {
    this.#callCount++;
    return { callId: callId ?? `call-${this.#callCount}`, tool, args: args ?? {} };
  }
}
