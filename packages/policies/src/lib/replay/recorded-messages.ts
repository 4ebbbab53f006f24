import type { Message } from "@handlebar/protocol";
import { REPLAY_LIMITS } from "./limits.ts";

/** The conversation of a run as far as it was recorded: what its next model call is decided with. */
export class RecordedMessages {
  readonly #messages: { readonly message: Message; readonly length: number }[] = [];
  #length = 0;

  get all(): readonly Message[] {
    return this.#messages.map(({ message }) => message);
  }

  add(message: Message): void {
    const { length } = JSON.stringify(message);
    this.#messages.push({ message, length });
    this.#length += length;
    while (this.#isFull()) this.#length -= this.#messages.shift()?.length ?? 0;
  }

  #isFull(): boolean {
    const { messageCountMax, messageLengthMax } = REPLAY_LIMITS;
    return this.#messages.length > messageCountMax || (this.#messages.length > 1 && this.#length > messageLengthMax);
  }
}
