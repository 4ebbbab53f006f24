import type { EventKind } from "@handlebar/protocol";
import type { SerialisedEvent } from "../events/serialise-event.ts";
import { type DropCount, DropLedger, type DropReason, type DropReport } from "./drop-ledger.ts";
import { readReport, reportedCount } from "./drop-report.ts";
import { EventQueue, type QueueBounds, type QueuedEvent } from "./event-queue.ts";
import type { EventSpool, SpooledEvent, SpoolLoss } from "./event-spool.ts";

/** What is counted of the events of a sink. */
export interface EventCounts {
  emitted: number;
  recovered: number;
  delivered: number;
  duplicates: number;
  dropped: number;
  unreportedDrops: number;
  spooled: number;
  queueSizeBytesPeak: number;
}

/** Reasons after which telling the control plane is pointless: it refused the telling itself. */
const FINAL_FOR_REPORTS: ReadonlySet<DropReason> = new Set(["rejected", "too_large", "server_error"]);

/**
 * Keeps the events of one sink, in memory and on disk, and accounts for each: at any moment
 * `emitted + recovered = delivered + dropped + spooled + pending`.
 */
export class EventStore {
  readonly #queue: EventQueue;
  readonly #spool: EventSpool | undefined;
  readonly #onDrop: (reason: DropReason) => void;
  readonly #ledger = new DropLedger();
  readonly #drops = new Map<string, { -readonly [K in keyof DropCount]: DropCount[K] }>();
  readonly counts: EventCounts = {
    emitted: 0,
    recovered: 0,
    delivered: 0,
    duplicates: 0,
    dropped: 0,
    unreportedDrops: 0,
    spooled: 0,
    queueSizeBytesPeak: 0,
  };
  #ordinal = 0;

  constructor(options: {
    readonly bounds: QueueBounds;
    readonly spool: EventSpool | undefined;
    readonly onDrop: (reason: DropReason) => void;
  }) {
    this.#queue = new EventQueue(options.bounds, (event) => this.#evicted(event));
    this.#spool = options.spool;
    this.#onDrop = options.onDrop;
    this.#spool?.open({ onLoss: (loss) => this.#lost(loss) });
  }

  /** The place of the event added last. */
  get lastOrdinal(): number {
    return this.#ordinal;
  }

  /** The place of the oldest event that waits; infinite when none does. */
  get oldestOrdinal(): number {
    return this.#queue.oldestOrdinal;
  }

  get waitingCount(): number {
    return this.#queue.count;
  }

  get waitingSizeBytes(): number {
    return this.#queue.sizeBytes;
  }

  get pendingCount(): number {
    return this.#queue.countAll;
  }

  get pendingSizeBytes(): number {
    return this.#queue.sizeBytesAll;
  }

  /** Whether there are drops that no report has taken yet. */
  get hasUnreported(): boolean {
    return this.#ledger.eventCount > 0;
  }

  get drops(): readonly DropCount[] {
    return [...this.#drops.values()].map((count) => ({ ...count }));
  }

  /** Takes an event in. `report` is what it tells of, where it is an `events.dropped` event. */
  add(event: SerialisedEvent, report?: DropReport): void {
    this.counts.emitted++;
    const receipt = this.#spool?.mode === "wal" ? this.#spool.write(event, "held") : undefined;
    const { eventId, runId, agentId, sessionId, seq, kind, text, sizeBytes } = event;
    const ordinal = ++this.#ordinal;
    // Written out: this runs for each event, and copying an object of unknown form costs as much as serialising one.
    this.#queue.push({ eventId, runId, agentId, sessionId, seq, kind, text, sizeBytes, ordinal, receipt, report });
    this.#notePeak();
  }

  /** Accounts for an event that came too late to be taken in. */
  refuse(event: SerialisedEvent): void {
    this.counts.emitted++;
    this.#countDrop(event.kind, "closed");
  }

  take(countMax: number, sizeBytesMax: number): readonly QueuedEvent[] {
    return this.#queue.take(countMax, sizeBytesMax);
  }

  /** Events that lie on disk alone, into memory. */
  takeSpooled(countMax: number, sizeBytesMax: number): readonly QueuedEvent[] {
    const events = (this.#spool?.read(countMax, sizeBytesMax) ?? []).map((event) => this.#takenBack(event));
    this.#queue.hold(events);
    this.#notePeak();
    return events;
  }

  /** What the ledger holds, as reports. Those of which no event is made are lost to the control plane, not to `stats`. */
  takeReports(countMax: number): readonly DropReport[] {
    return this.#ledger.take(countMax);
  }

  delivered(event: QueuedEvent, duplicate: boolean): void {
    this.#queue.letGo(event);
    this.counts.delivered++;
    if (duplicate) this.counts.duplicates++;
    if (event.receipt !== undefined) this.#spool?.release(event.receipt);
    if (event.report !== undefined) this.counts.unreportedDrops -= reportedCount(event.report);
  }

  /** Gives up an event that was taken. */
  dropped(event: QueuedEvent, reason: DropReason): void {
    this.#queue.letGo(event);
    this.#drop(event, reason);
  }

  replaced(before: QueuedEvent, after: QueuedEvent): void {
    this.#queue.letGo(before);
    this.#queue.hold([after]);
  }

  /** At the end: what was taken and what waits goes to disk, or is given up. */
  putAway(taken: readonly QueuedEvent[]): void {
    for (const event of taken) this.#queue.letGo(event);
    const waiting = this.#queue.drain();
    for (const event of [...taken, ...waiting]) {
      if (!this.#spooled(event)) this.#drop(event, this.#spool === undefined ? "shutdown" : "spool_failed");
    }
  }

  closeSpool(): void {
    this.#spool?.close();
  }

  #notePeak(): void {
    this.counts.queueSizeBytesPeak = Math.max(this.counts.queueSizeBytesPeak, this.#queue.sizeBytesAll);
  }

  #takenBack(event: SpooledEvent): QueuedEvent {
    if (event.recovered) this.counts.recovered++;
    else this.counts.spooled--;
    const report = event.kind === "events.dropped" ? readReport(event) : undefined;
    if (event.recovered && report !== undefined) this.counts.unreportedDrops += reportedCount(report);
    return { ...event, ordinal: Number.POSITIVE_INFINITY, report };
  }

  #evicted(event: QueuedEvent): void {
    if (!this.#spooled(event)) this.#drop(event, this.#spool === undefined ? "queue_full" : "spool_failed");
  }

  #spooled(event: QueuedEvent): boolean {
    if (this.#spool === undefined) return false;
    const kept = event.receipt !== undefined && this.#spool.store(event.receipt);
    if (!kept && this.#spool.write(event, "stored") === undefined) return false;
    this.counts.spooled++;
    return true;
  }

  #drop(event: QueuedEvent, reason: DropReason): void {
    if (event.receipt !== undefined) this.#spool?.release(event.receipt);
    this.#countDrop(event.kind, reason);
    if (event.report === undefined) this.#ledger.record(event, reason);
    else if (!FINAL_FOR_REPORTS.has(reason)) {
      this.#ledger.restore(event.report);
      this.#ledger.record(event, reason);
    }
  }

  #lost(loss: SpoolLoss): void {
    if (loss.recovered) this.counts.recovered += loss.events.length;
    else this.counts.spooled -= loss.events.length;
    for (const event of loss.events) {
      this.#countDrop(event.kind, loss.reason);
      this.#ledger.record(event, loss.reason);
      const report = event.kind === "events.dropped" ? readReport(event) : undefined;
      if (report === undefined) continue;
      this.#ledger.restore(report);
      if (loss.recovered) this.counts.unreportedDrops += reportedCount(report);
    }
  }

  #countDrop(kind: EventKind, reason: DropReason): void {
    this.counts.dropped++;
    this.counts.unreportedDrops++;
    const key = `${reason} ${kind}`;
    const entry = this.#drops.get(key);
    if (entry === undefined) this.#drops.set(key, { reason, kind, count: 1 });
    else entry.count++;
    this.#onDrop(reason);
  }
}
