import type { AuditEvent } from "@handlebar/protocol";
import { type SerialisedEvent, serialiseEvent } from "../events/serialise-event.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";
import type { TextSink } from "./text-sink.ts";

export interface MemorySinkOptions {
  /** Events kept; the oldest leave. Default 10,000. */
  readonly countMax?: number | undefined;
  /** Bytes kept; the oldest leave. Default 16 MiB. */
  readonly sizeBytesMax?: number | undefined;
}

/** Keeps the latest events in memory: for tests, and for looking at what an agent just did. */
export interface MemorySink extends TextSink {
  readonly name: "memory";
  /** As they were recorded, oldest first; a new list of new objects each time. */
  readonly events: readonly AuditEvent[];
  /** Events that have left. */
  readonly evictedCount: number;
  clear(): void;
}

export function memorySink(options: MemorySinkOptions = {}): MemorySink {
  const countMax = options.countMax ?? SINK_BOUNDS.memoryCountMax;
  const sizeBytesMax = options.sizeBytesMax ?? SINK_BOUNDS.memorySizeBytesMax;
  let kept: SerialisedEvent[] = [];
  let head = 0;
  let sizeBytes = 0;
  let evictedCount = 0;

  const evictBeyondBounds = (): void => {
    for (let oldest = kept[head]; oldest !== undefined; oldest = kept[head]) {
      if (kept.length - head <= countMax && sizeBytes <= sizeBytesMax) break;
      sizeBytes -= oldest.sizeBytes;
      head++;
      evictedCount++;
    }
    // Moving the rest only once half of the list has left keeps the cost of each eviction constant.
    if (head * 2 <= kept.length) return;
    kept = kept.slice(head);
    head = 0;
  };
  const writeSerialised = (event: SerialisedEvent): void => {
    kept.push(event);
    sizeBytes += event.sizeBytes;
    evictBeyondBounds();
  };
  return {
    name: "memory",
    write: (event) => writeSerialised(serialiseEvent(event)),
    writeSerialised,
    get events() {
      // The text was made from an event by this package.
      return kept.slice(head).map(({ text }) => JSON.parse(text) as AuditEvent);
    },
    get evictedCount() {
      return evictedCount;
    },
    clear() {
      kept = [];
      head = 0;
      sizeBytes = 0;
    },
  };
}
