import { toPlain } from "@handlebar/engine";
import type { Message } from "@handlebar/protocol";
import { sha256Hex } from "./fingerprint.ts";
import { forgetOldest } from "./forget-oldest.ts";
import { LIMITS } from "./limits.ts";

/** Remembers which messages of a conversation were recorded, so that each is recorded once though all are sent again. */
export class MessageLog {
  readonly #seen = new Map<string, number>();

  /** The messages not seen before, in order; the same text said twice in one conversation counts twice. */
  unseen(messages: readonly Message[]): readonly Message[] {
    const inThis = new Map<string, number>();
    return messages.filter((message) => {
      const key = keyOf(message);
      const count = (inThis.get(key) ?? 0) + 1;
      inThis.set(key, count);
      if (count <= (this.#seen.get(key) ?? 0)) return false;
      this.#remember(key, count);
      return true;
    });
  }

  #remember(key: string, count: number): void {
    this.#seen.delete(key);
    this.#seen.set(key, count);
    forgetOldest(this.#seen, LIMITS.seenMessageCountMax);
  }
}

/** Longer texts are told apart by their digest. */
const KEY_LENGTH_MAX = 256;

function keyOf(message: Message): string {
  const { role, content } = message;
  const text =
    typeof content === "string" ? `${role} ${content}` : `${role}\n${JSON.stringify(toPlain(message).value)}`;
  return text.length <= KEY_LENGTH_MAX ? text : sha256Hex(text);
}
