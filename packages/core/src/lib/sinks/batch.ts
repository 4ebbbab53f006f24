import type { QueuedEvent } from "./event-queue.ts";

/** Events that travel together, in order, all of one agent; the request id is the same at every attempt. */
export interface Batch {
  readonly id: string;
  readonly events: readonly QueuedEvent[];
  /** Times the server itself failed over this batch. */
  failureCount: number;
}

export function makeBatch(id: string, events: readonly QueuedEvent[], failureCount = 0): Batch {
  return { id, events, failureCount };
}

/** The batch in two halves, to find out which of its events is the reason of a refusal. */
export function splitBatch(batch: Batch, newId: () => string): readonly [Batch, Batch] {
  const middle = Math.ceil(batch.events.length / 2);
  return [
    makeBatch(newId(), batch.events.slice(0, middle), batch.failureCount),
    makeBatch(newId(), batch.events.slice(middle), batch.failureCount),
  ];
}

/** The request body, of the form of `ingestBodySchema`. */
export function batchBody(batch: Batch): string {
  const agentId = JSON.stringify(batch.events[0]?.agentId ?? "");
  return `{"agentId":${agentId},"events":[${batch.events.map(({ text }) => text).join(",")}]}`;
}
