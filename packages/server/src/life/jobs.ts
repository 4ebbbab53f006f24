import type { ServerLog } from "../services/server-log.ts";
import type { ServerRuntime, ServerTimer } from "../services/server-runtime.ts";
import type { JobsTable } from "../storage/jobs-table.ts";

/** Something to do again and again. */
export interface Job {
  readonly name: string;
  readonly everyMs: number;
  /** Only one of the processes on a database does it. */
  readonly isShared: boolean;
  readonly run: () => Promise<unknown>;
}

export interface JobRunnerDeps {
  readonly jobs: readonly Job[];
  readonly table: JobsTable;
  readonly runtime: ServerRuntime;
  readonly log: ServerLog;
}

/** A lease outlives the time between two runs, so that a job stays with its process while that lives. */
const LEASE_TIMES = 3;

/** Does jobs at their intervals, each after its run before has ended; one that fails is done again at its next time. */
export class JobRunner {
  readonly #deps: JobRunnerDeps;
  readonly #holder: string;
  readonly #timers = new Map<string, ServerTimer>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
    this.#holder = deps.runtime.newId();
  }

  start(): void {
    for (const job of this.#deps.jobs) this.#schedule(job);
  }

  /** Waits for what runs, and gives shared jobs to others. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    await Promise.all(this.#running);
    const shared = this.#deps.jobs.filter((job) => job.isShared);
    await Promise.allSettled(shared.map(({ name }) => this.#deps.table.release(name, this.#holder)));
  }

  #schedule(job: Job): void {
    if (this.#isStopped) return;
    const timer = this.#deps.runtime.after(job.everyMs, () => {
      const run = this.#run(job).finally(() => {
        this.#running.delete(run);
        this.#schedule(job);
      });
      this.#running.add(run);
    });
    this.#timers.set(job.name, timer);
  }

  async #run(job: Job): Promise<void> {
    try {
      const isMine =
        !job.isShared || (await this.#deps.table.tryLease(job.name, this.#holder, job.everyMs * LEASE_TIMES));
      if (isMine) await job.run();
    } catch (error) {
      this.#deps.log.warn({ err: error, job: job.name }, "a job failed; it is done again at its next time");
    }
  }
}
