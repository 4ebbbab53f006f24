import type { ModelCall, ModelTurn, PlanModel } from "../adapter-contract/adapter-subject.ts";

const USAGE = { inputTokens: 10, outputTokens: 5 } as const;
const END: ModelTurn = { chunks: ["the end"], calls: [], usage: USAGE };

/** A model that is told what to say while its agent runs; asked when it has nothing to say, it waits. */
export class LiveModel implements PlanModel {
  readonly #turns: ModelTurn[] = [];
  #waiting: ((turn: ModelTurn) => void) | undefined;
  #onAsked: () => void = () => undefined;
  #isOver = false;

  /** Resolves when the agent asks and the model has nothing to say. */
  untilAsked(): Promise<undefined> {
    if (this.#waiting !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#onAsked = () => resolve(undefined);
    });
  }

  /** The answer to the request that waits, or to the next one. */
  propose(call: ModelCall): void {
    const turn = { chunks: [], calls: [call], usage: USAGE };
    if (!this.#release(turn)) this.#turns.push(turn);
  }

  /** Every request from now on is answered as the last one of a conversation. */
  finish(): void {
    this.#isOver = true;
    this.#release(END);
  }

  answer(): Promise<ModelTurn> {
    const next = this.#turns.shift() ?? (this.#isOver ? END : undefined);
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#onAsked();
    });
  }

  #release(turn: ModelTurn): boolean {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(turn);
    return waiting !== undefined;
  }
}
