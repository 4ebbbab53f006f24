import type { Batch } from "./batch.ts";
import type { QueuedEvent } from "./event-queue.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

interface Deferred {
  readonly batch: Batch;
  readonly notBeforeMs: number;
  readonly successCount: number;
}

/** Single events that made the server fail, set aside so that the others go on. */
export class DeferredBatches {
  #waiting: Deferred[] = [];

  get batches(): readonly Batch[] {
    return this.#waiting.map(({ batch }) => batch);
  }

  /**
   * Sets a batch aside. Beyond the bound the oldest is given up, provided that other batches have gone through meanwhile: then it
   * is the event, not the server. `undefined` says that there is no room and the batch must wait in its place.
   */
  add(batch: Batch, notBeforeMs: number, successCount: number): readonly QueuedEvent[] | undefined {
    const givenUp: Deferred[] = [];
    const waiting = [...this.#waiting, { batch, notBeforeMs, successCount }];
    while (waiting.length > SINK_BOUNDS.deferredCountMax || sizeBytes(waiting) > SINK_BOUNDS.deferredSizeBytesMax) {
      const oldest = waiting.shift();
      if (oldest === undefined || oldest.successCount >= successCount) return undefined;
      givenUp.push(oldest);
    }
    this.#waiting = waiting;
    return givenUp.flatMap((deferred) => deferred.batch.events);
  }

  /** The oldest batch that is due. */
  next(nowMs: number): Batch | undefined {
    const index = this.#waiting.findIndex(({ notBeforeMs }) => notBeforeMs <= nowMs);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]?.batch;
  }

  /** Milliseconds until the first is due; infinite when there is none. */
  waitMs(nowMs: number): number {
    return this.#waiting.reduce(
      (wait, { notBeforeMs }) => Math.min(wait, notBeforeMs - nowMs),
      Number.POSITIVE_INFINITY,
    );
  }
}

function sizeBytes(waiting: readonly Deferred[]): number {
  return waiting.reduce((sum, { batch }) => sum + batch.events.reduce((all, event) => all + event.sizeBytes, 0), 0);
}
