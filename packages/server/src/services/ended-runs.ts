import { ENDED_RUN_BATCH_COUNT, ENDED_RUN_WAITING_COUNT_MAX } from "../limits.ts";

export interface EndedRunsDeps {
  readonly end: (workspaceId: string, runIds: readonly string[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Runs whose end was stored, on their way to whoever ends what belongs to them: many at once, one batch after the other, within a bound. */
export class EndedRuns {
  readonly #deps: EndedRunsDeps;
  readonly #waiting = new Map<string, Set<string>>();
  #count = 0;
  #working: Promise<void> | undefined;

  constructor(deps: EndedRunsDeps) {
    this.#deps = deps;
  }

  /** Beyond the bound a run is left out: what belongs to it is refused by the run's end, and ends at its own time. */
  add(workspaceId: string, runId: string): void {
    if (this.#count >= ENDED_RUN_WAITING_COUNT_MAX) return;
    const runs = this.#waiting.get(workspaceId) ?? new Set();
    this.#waiting.set(workspaceId, runs);
    if (runs.has(runId)) return;
    runs.add(runId);
    this.#count++;
    // Those of one request are together before the first is asked for.
    this.#working ??= Promise.resolve().then(() => this.#work());
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async #work(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await this.#deps.end(next.workspaceId, next.runIds);
      } catch (error) {
        this.#deps.onError(error);
      }
    }
    this.#working = undefined;
  }

  #take(): { readonly workspaceId: string; readonly runIds: readonly string[] } | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [workspaceId, runs] = first;
    const runIds = [...runs].slice(0, ENDED_RUN_BATCH_COUNT);
    for (const runId of runIds) runs.delete(runId);
    if (runs.size === 0) this.#waiting.delete(workspaceId);
    this.#count -= runIds.length;
    return { workspaceId, runIds };
  }
}
