import type { ReplayReport } from "@handlebar/policies";
import { HandlebarError } from "@handlebar/protocol";
import {
  REPLAY_PAGE_COUNT_MAX,
  REPLAY_PAGE_LENGTH,
  REPLAY_PROGRESS_MS,
  REPLAY_READ_ATTEMPT_COUNT_MAX,
  REPLAY_READ_RETRY_MS,
} from "../limits.ts";
import type { EventFilter, EventsTable, EventText } from "../storage/events-table.ts";
import type { Page } from "../storage/page.ts";
import { ServiceProblem } from "./problem.ts";
import { ReplayThread, type ReplayThreadData } from "./replay-thread.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export interface ReplayRange {
  readonly leadInMs: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface ReplayingDeps {
  readonly events: Pick<EventsTable, "scan">;
  readonly runtime: Pick<ServerRuntime, "monotonicMs" | "after">;
}

export interface ReplayingRequest extends ReplayThreadData {
  readonly workspaceId: string;
  readonly range: ReplayRange;
  readonly filter: Pick<EventFilter, "agent" | "actorExternalId" | "sessionId">;
}

export interface ReplayProgress {
  readonly eventCount: number;
  /** The time of the last event, epoch milliseconds. */
  readonly throughMs: number | undefined;
  /** From 0 to 1, by time. */
  readonly share: number;
}

export interface ReplayOutcome {
  readonly range: ReplayRange;
  readonly leadInCount: number;
  readonly report: ReplayReport;
}

/** One replay: reads the record page by page, and has it decided again in a thread. */
export class Replaying {
  readonly #deps: ReplayingDeps;
  readonly #request: ReplayingRequest;
  readonly #cancelled: Promise<never>;
  #why: ServiceProblem | undefined;
  #onCancel: (why: ServiceProblem) => void = () => undefined;
  #eventCount = 0;
  #leadInCount = 0;
  #throughMs: number | undefined;

  constructor(deps: ReplayingDeps, request: ReplayingRequest) {
    this.#deps = deps;
    this.#request = request;
    this.#cancelled = new Promise((_, reject) => {
      this.#onCancel = reject;
    });
    // Most are never cancelled, and some before anybody listens.
    this.#cancelled.catch(() => undefined);
  }

  /**
   * Reads and decides everything. @throws ServiceProblem `HB_REPLAY_TOO_LARGE`, `HB_SERVER_STOPPING` where it was cancelled, and what the
   * store throws.
   */
  async run(onProgress: (progress: ReplayProgress) => void): Promise<ReplayOutcome> {
    const { range, policies, tools, failClosed } = this.#request;
    this.#throwIfCancelled();
    const thread = new ReplayThread({ policies, tools, failClosed });
    try {
      // What the store is asked for cannot be called back: whoever cancels does not wait for it.
      await Promise.race([this.#feedAll(thread, onProgress), this.#cancelled]);
      const report = await Promise.race([thread.finish(), this.#cancelled]);
      return { range, leadInCount: this.#leadInCount, report };
    } finally {
      await thread.end(this.#why ?? new Error("the replay is over"));
    }
  }

  /** Ends it soon; `run` is refused. Idempotent. */
  cancel(): void {
    this.#why ??= new ServiceProblem("unavailable", "HB_SERVER_STOPPING", { message: "the replay was cancelled" });
    this.#onCancel(this.#why);
  }

  async #feedAll(thread: ReplayThread, onProgress: (progress: ReplayProgress) => void): Promise<void> {
    const { monotonicMs } = this.#deps.runtime;
    onProgress(this.#progress());
    let saidAtMs = monotonicMs();
    let fed = Promise.resolve();
    for await (const { items, isLeadIn } of this.#pages()) {
      // While the thread decides one page the next one is read.
      await fed;
      this.#count(items, isLeadIn);
      fed = thread.feed({ texts: items.map(({ json }) => json), isLeadIn });
      // It is awaited in a moment; until then nobody listens.
      fed.catch(() => undefined);
      if (monotonicMs() - saidAtMs < REPLAY_PROGRESS_MS) continue;
      saidAtMs = monotonicMs();
      onProgress(this.#progress());
    }
    await fed;
    onProgress({ ...this.#progress(), share: 1 });
  }

  async *#pages(): AsyncGenerator<{ readonly items: readonly EventText[]; readonly isLeadIn: boolean }> {
    const { leadInMs, sinceMs, untilMs } = this.#request.range;
    const parts = [
      { sinceMs: sinceMs - leadInMs, untilMs: sinceMs, isLeadIn: true },
      { sinceMs, untilMs, isLeadIn: false },
    ];
    let limit = REPLAY_PAGE_COUNT_MAX / 4;
    for (const { isLeadIn, ...part } of parts.slice(leadInMs === 0 ? 1 : 0)) {
      let cursor: string | undefined;
      do {
        const { items, nextCursor } = await this.#read({ ...this.#request.filter, ...part }, { limit, cursor });
        cursor = nextCursor;
        limit = limitAfter(items, limit);
        if (items.length > 0) yield { items, isLeadIn };
      } while (cursor !== undefined);
    }
  }

  async #read(
    filter: EventFilter,
    page: { readonly limit: number; readonly cursor: string | undefined },
  ): Promise<Page<EventText>> {
    for (let attempt = 1; ; attempt++) {
      this.#throwIfCancelled();
      try {
        return await this.#deps.events.scan(this.#request.workspaceId, filter, page);
      } catch (error) {
        if (!isPassing(error) || attempt >= REPLAY_READ_ATTEMPT_COUNT_MAX) throw error;
      }
      await new Promise<void>((resolve) => this.#deps.runtime.after(REPLAY_READ_RETRY_MS, resolve));
    }
  }

  #count(items: readonly EventText[], isLeadIn: boolean): void {
    this.#throwIfCancelled();
    this.#eventCount += items.length;
    if (isLeadIn) this.#leadInCount += items.length;
    const last = items.at(-1);
    if (last !== undefined) this.#throughMs = timeOf(last.eventId);
  }

  #progress(): ReplayProgress {
    const { leadInMs, sinceMs, untilMs } = this.#request.range;
    const startMs = sinceMs - leadInMs;
    const doneMs = (this.#throughMs ?? startMs) - startMs;
    const share = Math.min(1, Math.max(0, doneMs / (untilMs - startMs)));
    return { eventCount: this.#eventCount, throughMs: this.#throughMs, share };
  }

  #throwIfCancelled(): void {
    if (this.#why !== undefined) throw this.#why;
  }
}

/** As many events as come near the size of a page, and never many times more than before: their sizes differ by a thousand. */
function limitAfter(items: readonly EventText[], limit: number): number {
  const length = items.reduce((sum, { json }) => sum + json.length, 0);
  const fitting = length === 0 ? limit : Math.floor((REPLAY_PAGE_LENGTH / length) * items.length);
  return Math.max(1, Math.min(fitting, limit * 2, REPLAY_PAGE_COUNT_MAX));
}

/** The time in a UUIDv7. */
function timeOf(eventId: string): number {
  return Number.parseInt(`${eventId.slice(0, 8)}${eventId.slice(9, 13)}`, 16);
}

/** What goes by: the database is busy, or comes back. */
function isPassing(error: unknown): boolean {
  return HandlebarError.is(error) && (error.code === "HB_OVERLOADED" || error.code === "HB_STORE_UNAVAILABLE");
}
