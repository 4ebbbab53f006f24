import type { JsonObject } from "@handlebar/protocol";
import { LIMITS } from "./limits.ts";
import type { Run } from "./run.ts";

const HALF_COUNT = LIMITS.endedRunCountMax / 2;

/** The runs of one client: those that are open, and for a while those that ended, so that a late hook is answered. */
export class RunRegistry<TContext extends object = JsonObject> {
  readonly #open = new Map<string, Run<TContext>>();
  // Two halves, of which the older one leaves as a whole: reading the first entry of a map takes longer with each one deleted before it.
  #endedLately = new Map<string, Run<TContext>>();
  #endedBefore = new Map<string, Run<TContext>>();

  find(runId: string): Run<TContext> | undefined {
    return this.#open.get(runId) ?? this.#endedLately.get(runId) ?? this.#endedBefore.get(runId);
  }

  /** Adds a run. Beyond the bound the one opened longest ago is ended as interrupted. */
  add(run: Run<TContext>): void {
    this.#open.set(run.runId, run);
    if (this.#open.size <= LIMITS.openRunCountMax) return;
    const [oldest] = this.#open.values();
    void oldest?.end("interrupted");
  }

  markEnded(runId: string): void {
    const run = this.#open.get(runId);
    if (run === undefined) return;
    this.#open.delete(runId);
    if (this.#endedLately.size >= HALF_COUNT) {
      this.#endedBefore = this.#endedLately;
      this.#endedLately = new Map();
    }
    this.#endedLately.set(runId, run);
  }

  open(): readonly Run<TContext>[] {
    return [...this.#open.values()];
  }
}
