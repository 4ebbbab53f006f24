import type { ModelCall, ModelTurn, PlanModel } from "../adapter-contract/adapter-subject.ts";

const USAGE = { inputTokens: 10, outputTokens: 5 } as const;

/** A model that is told what to say while its agent runs; asked when it has nothing to say, it waits. */
export class LiveModel implements PlanModel {
  readonly #turns: ModelTurn[] = [];
  #waiting: ((turn: ModelTurn) => void) | undefined;
  #onAsked: () => void = () => undefined;
  #callCount = 0;
  #isOver = false;

  /** A request of the agent's waits for an answer. */
  get isAsked(): boolean {
    return this.#waiting !== undefined;
  }

  /** Resolves when the agent asks and the model has nothing to say. */
  untilAsked(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAsked = resolve;
    });
  }

  /** The answer to the request that waits, or to the next one. */
  propose(call: Omit<ModelCall, "callId">): void {
    this.#callCount++;
    this.#say({ chunks: [], calls: [{ callId: `call-${this.#callCount}`, ...call }], usage: USAGE });
  }

  /** Every request from now on is answered as the last one of a conversation. */
  finish(): void {
    this.#isOver = true;
    this.#waiting?.(END);
    this.#waiting = undefined;
  }

  answer(): Promise<ModelTurn> {
    const next = this.#turns.shift() ?? (this.#isOver ? END : undefined);
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#onAsked();
    });
  }

  #say(turn: ModelTurn): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#turns.push(turn);
    else waiting(turn);
  }
}

const END: ModelTurn = { chunks: ["the end"], calls: [], usage: USAGE };
