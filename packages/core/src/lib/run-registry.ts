import type { JsonObject } from "@handlebar/protocol";
import { forgetOldest } from "./forget-oldest.ts";
import { LIMITS } from "./limits.ts";
import type { Run } from "./run.ts";

/** The runs of one client: those that are open, and for a while those that ended, so that a late hook is answered. */
export class RunRegistry<TContext extends object = JsonObject> {
  readonly #open = new Map<string, Run<TContext>>();
  readonly #ended = new Map<string, Run<TContext>>();

  find(runId: string): Run<TContext> | undefined {
    return this.#open.get(runId) ?? this.#ended.get(runId);
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
    this.#ended.set(runId, run);
    forgetOldest(this.#ended, LIMITS.endedRunCountMax);
  }

  open(): readonly Run<TContext>[] {
    return [...this.#open.values()];
  }
}
