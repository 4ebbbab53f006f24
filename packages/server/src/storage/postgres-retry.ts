import { setTimeout } from "node:timers/promises";
import { isLostRace } from "./postgres-errors.ts";

/** How often a transaction is done again after it lost against another one. */
const WRITE_ATTEMPTS_MAX = 10;

const RETRY_DELAY_MS_MAX = 50;

/** A deadlock's victim, or the loser of a race, did nothing: it may try again. */
export async function againAfterLostRace<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isLostRace(error) || attempt >= WRITE_ATTEMPTS_MAX) throw error;
      await setTimeout(Math.random() * Math.min(RETRY_DELAY_MS_MAX, 2 ** attempt));
    }
  }
}
