import type { SerialisedEvent } from "../events/serialise-event.ts";
import type { DropReport } from "./drop-ledger.ts";
import type { SpoolReceipt } from "./event-spool.ts";
import { eventValue, MUST_KEEP } from "./event-value.ts";

/** An event that waits to be sent. */
export interface QueuedEvent extends SerialisedEvent {
  /** Order of arrival in this process; what was read back from a spool has no place in it. */
  readonly ordinal: number;
  /** Its place on disk, where it has one. */
  readonly receipt?: SpoolReceipt | undefined;
  /** What this event reports, where it is an `events.dropped` event. */
  readonly report?: DropReport | undefined;
}

export interface QueueBounds {
  readonly countMax: number;
  readonly sizeBytesMax: number;
  /** The part of `sizeBytesMax` that only events which must be kept may use; the same share of `countMax` is theirs. */
  readonly mustKeepSizeBytes: number;
}

/**
 * Events in order of arrival, bounded in count and bytes, those being sent included. Beyond a bound the least valuable leave,
 * oldest first; `onEvict` is told of each.
 */
export class EventQueue {
  readonly #bounds: QueueBounds;
  readonly #bulkCountMax: number;
  readonly #onEvict: (event: QueuedEvent) => void;
  readonly #lanes: readonly [Lane, Lane, Lane] = [new Lane(), new Lane(), new Lane()];
  #heldCount = 0;
  #heldSizeBytes = 0;

  constructor(bounds: QueueBounds, onEvict: (event: QueuedEvent) => void) {
    this.#bounds = bounds;
    const bulkShare = 1 - bounds.mustKeepSizeBytes / bounds.sizeBytesMax;
    this.#bulkCountMax = Math.ceil(bounds.countMax * bulkShare);
    this.#onEvict = onEvict;
  }

  /** Events that wait. */
  get count(): number {
    const [messages, results, kept] = this.#lanes;
    return messages.count + results.count + kept.count;
  }

  /** Bytes that wait. */
  get sizeBytes(): number {
    const [messages, results, kept] = this.#lanes;
    return messages.sizeBytes + results.sizeBytes + kept.sizeBytes;
  }

  /** Events that wait or are held. */
  get countAll(): number {
    return this.count + this.#heldCount;
  }

  /** Bytes that wait or are held. */
  get sizeBytesAll(): number {
    return this.sizeBytes + this.#heldSizeBytes;
  }

  push(event: QueuedEvent): void {
    if (event.sizeBytes > this.#bounds.sizeBytesMax) {
      this.#onEvict(event);
      return;
    }
    this.#lanes[eventValue(event.kind)].push(event);
    this.#evictBeyondBounds();
  }

  /** Takes the oldest events of one agent, at least one, and holds them: they count until they are let go. */
  take(countMax: number, sizeBytesMax: number): QueuedEvent[] {
    const taken: QueuedEvent[] = [];
    let sizeBytes = 0;
    for (let lane = this.#oldestLane(); lane !== undefined && taken.length < countMax; lane = this.#oldestLane()) {
      const next = lane.peek();
      if (next === undefined) break;
      const first = taken[0] ?? next;
      if (next.agentId !== first.agentId || (taken.length > 0 && sizeBytes + next.sizeBytes > sizeBytesMax)) break;
      lane.shift();
      taken.push(next);
      sizeBytes += next.sizeBytes;
    }
    this.hold(taken);
    return taken;
  }

  /** Counts events that are kept elsewhere against the bounds. */
  hold(events: readonly QueuedEvent[]): void {
    for (const event of events) {
      this.#heldCount++;
      this.#heldSizeBytes += event.sizeBytes;
    }
    this.#evictBeyondBounds();
  }

  letGo(event: QueuedEvent): void {
    this.#heldCount--;
    this.#heldSizeBytes -= event.sizeBytes;
  }

  /** Takes everything out that waits, oldest first; nothing of it is held. */
  drain(): QueuedEvent[] {
    const rest: QueuedEvent[] = [];
    for (let lane = this.#oldestLane(); lane !== undefined; lane = this.#oldestLane()) {
      const event = lane.shift();
      if (event !== undefined) rest.push(event);
    }
    return rest;
  }

  /** The place of the oldest event that waits; infinite when none does. */
  get oldestOrdinal(): number {
    return this.#oldestLane()?.peek()?.ordinal ?? Number.POSITIVE_INFINITY;
  }

  #oldestLane(): Lane | undefined {
    let oldest: Lane | undefined;
    let ordinal = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) {
      const head = lane.peek();
      if (head === undefined || (oldest !== undefined && head.ordinal >= ordinal)) continue;
      oldest = lane;
      ordinal = head.ordinal;
    }
    return oldest;
  }

  #evictBeyondBounds(): void {
    while (this.#bulkIsOver()) this.#evict(MUST_KEEP - 1);
    while (this.countAll > this.#bounds.countMax || this.sizeBytesAll > this.#bounds.sizeBytesMax) {
      if (!this.#evict(MUST_KEEP)) return;
    }
  }

  #bulkIsOver(): boolean {
    const [messages, results] = this.#lanes;
    const sizeBytes = messages.sizeBytes + results.sizeBytes;
    if (sizeBytes === 0) return false;
    return (
      sizeBytes > this.#bounds.sizeBytesMax - this.#bounds.mustKeepSizeBytes ||
      messages.count + results.count > this.#bulkCountMax
    );
  }

  #evict(valueMax: number): boolean {
    for (let value = 0; value <= valueMax; value++) {
      const event = this.#lanes[value]?.shift();
      if (event === undefined) continue;
      this.#onEvict(event);
      return true;
    }
    return false;
  }
}

const COMPACT_COUNT = 1_024;

/** First in, first out, without moving the rest at each step. */
class Lane {
  #events: (QueuedEvent | undefined)[] = [];
  #head = 0;
  #sizeBytes = 0;

  get count(): number {
    return this.#events.length - this.#head;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  peek(): QueuedEvent | undefined {
    return this.#events[this.#head];
  }

  push(event: QueuedEvent): void {
    this.#events.push(event);
    this.#sizeBytes += event.sizeBytes;
  }

  shift(): QueuedEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#events[this.#head] = undefined;
    this.#head++;
    this.#sizeBytes -= event.sizeBytes;
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_COUNT) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}
