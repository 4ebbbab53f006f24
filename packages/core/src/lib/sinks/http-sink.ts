import type { AuditEvent, IngestAnswer } from "@handlebar/protocol";
import { errorText } from "../error-text.ts";
import { type SerialisedEvent, serialiseEvent } from "../events/serialise-event.ts";
import { defaultRuntime, type Runtime } from "../runtime.ts";
import type { SinkDeadline } from "../sink.ts";
import { canCompress } from "./compress.ts";
import type { DeliveryFailure } from "./delivery.ts";
import type { QueuedEvent } from "./event-queue.ts";
import { EventStore } from "./event-store.ts";
import { FlushTimer } from "./flush-timer.ts";
import { FlushWaiters } from "./flush-waiters.ts";
import { explainFailure } from "./http-sink-messages.ts";
import type { CloseResult, HttpSinkHooks, HttpSinkOptions, HttpSinkStats } from "./http-sink-options.ts";
import { type HttpSinkSettings, readSettings } from "./http-sink-settings.ts";
import { RateLimitedLog } from "./rate-limited-log.ts";
import { Sender } from "./sender.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";
import type { TextSink } from "./text-sink.ts";

/**
 * Delivers events to the control plane (DESIGN section 9). Bounded in count and bytes: beyond a bound messages leave before results
 * and results before decisions, and an `events.dropped` event says which. What can be retried is retried for as long as it fits.
 * `write` never throws and never waits.
 *
 * @throws HandlebarError `HB_CONFIG_INVALID` when an option has the wrong form.
 */
export function httpSink(options: HttpSinkOptions): HttpSink {
  return new HttpSink(options);
}

/** See `httpSink`. */
export class HttpSink implements TextSink {
  readonly name: string = "http";
  readonly #settings: HttpSinkSettings;
  readonly #options: HttpSinkOptions;
  readonly #runtime: Runtime;
  readonly #log: RateLimitedLog;
  readonly #store: EventStore;
  readonly #sender: Sender;
  readonly #timer: FlushTimer;
  readonly #waiters: FlushWaiters;
  #hooks: HttpSinkHooks;
  #dueOrdinal = 0;
  #spoolIsNext = false;
  #closing: Promise<CloseResult> | undefined;
  #endClosing: (() => void) | undefined;
  #closeAtMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: HttpSinkOptions) {
    this.#settings = readSettings(options);
    this.#options = options;
    this.#hooks = options;
    this.#runtime = options.runtime ?? defaultRuntime();
    this.#log = new RateLimitedLog(this.#runtime);
    this.#store = this.#makeStore();
    this.#sender = this.#makeSender();
    this.#waiters = new FlushWaiters(this.#runtime);
    this.#timer = new FlushTimer(this.#runtime, {
      intervalMs: this.#settings.flushIntervalMs,
      waitUntil: options.waitUntil,
      lostAfterMs: this.#settings.flushDeadlineMs + SINK_BOUNDS.attemptGraceMs,
      flush: () => this.flush(),
      fire: () => this.#sendAll(),
    });
    if (options.spool !== undefined) this.#arm();
  }

  /** Sets the hooks that the options left out; for a client that was given this sink ready-made. */
  attach(hooks: HttpSinkHooks): void {
    const { makeDropped, onAnswer, onAuthFailure } = this.#options;
    this.#hooks = {
      makeDropped: makeDropped ?? hooks.makeDropped,
      onAnswer: onAnswer ?? hooks.onAnswer,
      onAuthFailure: onAuthFailure ?? hooks.onAuthFailure,
    };
  }

  write(event: AuditEvent): void {
    this.writeSerialised(serialiseEvent(event));
  }

  writeSerialised(event: SerialisedEvent): void {
    if (this.#closed) {
      this.#store.refuse(event);
      return;
    }
    this.#store.add(event);
    if (this.#isFull || this.#closing !== undefined) this.#sender.pump();
    else this.#arm();
  }

  /**
   * Resolves when all that was written before is delivered or given up, at the deadline (default `flushDeadlineMs`), or at once when the
   * next attempt lies beyond it. What is not delivered stays and is tried again later. Keeps the process alive meanwhile.
   */
  flush(options: SinkDeadline = {}): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#sendAll();
    const done = this.#waiters.add(this.#store.lastOrdinal, options.deadlineMs ?? this.#settings.flushDeadlineMs);
    this.#look();
    return done;
  }

  /**
   * Delivers what waits, within the deadline (default `closeDeadlineMs`), then ends the attempt under way; the rest goes to the spool or
   * is given up and counted. Never asks again before a server's `Retry-After`. Later calls give the first call's answer.
   */
  close(options: SinkDeadline = {}): Promise<CloseResult> {
    this.#closing ??= this.#close(options.deadlineMs ?? this.#settings.closeDeadlineMs);
    return this.#closing;
  }

  /** As `close` with no time left: for a process that is exiting. */
  closeNow(): CloseResult {
    const before = this.#before();
    this.#finish();
    return this.#since(before);
  }

  /** The control plane was just reached by other means: ends a wait that it did not ask for. */
  wake(): void {
    if (!this.#closed) this.#sender.wake();
  }

  get stats(): HttpSinkStats {
    return {
      ...this.#store.counts,
      drops: this.#store.drops,
      pending: this.#store.pendingCount,
      queueSizeBytes: this.#store.pendingSizeBytes,
      attempts: this.#sender.attemptCount,
      healthy: this.#sender.healthy,
    };
  }

  get #isFull(): boolean {
    const { batchCountMax } = this.#settings;
    return this.#store.waitingCount >= batchCountMax || this.#store.waitingSizeBytes >= this.#sender.batchSizeBytesMax;
  }

  #makeStore(): EventStore {
    const { queueCountMax, queueSizeBytesMax, mustKeepSizeBytes } = this.#settings;
    return new EventStore({
      bounds: { countMax: queueCountMax, sizeBytesMax: queueSizeBytesMax, mustKeepSizeBytes },
      spool: this.#options.spool,
      onDrop: (reason) =>
        this.#log.warn(
          `drop ${reason}`,
          `HB_SINK_FAILED: events are being dropped (${reason}); see the sink's \`stats\``,
        ),
    });
  }

  #makeSender(): Sender {
    const { url, attemptTimeoutMs, batchSizeBytesMax } = this.#settings;
    const { apiKey, headers = {}, compress = true } = this.#options;
    return new Sender({
      runtime: this.#runtime,
      target: { url, apiKey, headers, attemptTimeoutMs },
      pacing: this.#settings,
      batchSizeBytesMax,
      compress: compress && canCompress(),
      host: {
        nextEvents: () => this.#nextEvents(),
        delivered: (event, duplicate) => this.#store.delivered(event, duplicate),
        dropped: (event, reason) => this.#store.dropped(event, reason),
        replaced: (before, after) => this.#store.replaced(before, after),
        answered: (answer) => this.#answered(answer),
        failed: (outcome) => this.#failed(outcome),
        settled: () => this.#settled(),
      },
    });
  }

  #arm(): void {
    if (this.#options.waitUntil !== undefined) this.#timer.drain();
    else if (this.#settings.flushMode === "interval") this.#timer.arm();
  }

  /** All that waits now is due, drops to report included. */
  #sendAll(): void {
    if (this.#canReport) this.#report(this.#reportRoom);
    this.#dueOrdinal = Math.max(this.#dueOrdinal, this.#store.lastOrdinal);
    this.#sender.pump();
  }

  #nextEvents(): readonly QueuedEvent[] {
    const spoolFirst = this.#spoolIsNext;
    this.#spoolIsNext = !spoolFirst;
    const first = spoolFirst ? this.#takeSpooled() : this.#takeDue();
    if (first.length > 0) return first;
    return spoolFirst ? this.#takeDue() : this.#takeSpooled();
  }

  #takeDue(): readonly QueuedEvent[] {
    const isDue = this.#closing !== undefined || this.#store.oldestOrdinal <= this.#dueOrdinal || this.#isFull;
    return isDue ? this.#store.take(this.#settings.batchCountMax, this.#sender.batchSizeBytesMax) : [];
  }

  /** Reads back only while at least half of memory is free, so that reading never pushes other events out to disk. */
  #takeSpooled(): readonly QueuedEvent[] {
    const { queueCountMax, queueSizeBytesMax, batchCountMax } = this.#settings;
    const hasRoom =
      this.#store.pendingCount <= queueCountMax / 2 && this.#store.pendingSizeBytes <= queueSizeBytesMax / 2;
    if (this.#closing !== undefined || !this.#sender.healthy || !hasRoom) return [];
    return this.#store.takeSpooled(batchCountMax, this.#sender.batchSizeBytesMax);
  }

  /** Whether there are drops to tell of, someone to hear it, and room for it: a report that pushes events out makes more drops. */
  get #canReport(): boolean {
    if (this.#hooks.makeDropped === undefined || !this.#sender.healthy || !this.#store.hasUnreported) return false;
    return this.#reportRoom > 0 && this.#store.pendingSizeBytes <= this.#settings.queueSizeBytesMax * 0.75;
  }

  get #reportRoom(): number {
    return Math.min(SINK_BOUNDS.reportCountMax, this.#settings.queueCountMax - this.#store.pendingCount);
  }

  /** Writes the `events.dropped` events. */
  #report(countMax: number): void {
    for (const report of this.#store.takeReports(countMax)) {
      const event = this.#guard(() => this.#hooks.makeDropped?.(report));
      if (event !== undefined) this.#store.add(serialiseEvent(event), report);
    }
  }

  #settled(): void {
    if (this.#closed) return;
    this.#look();
    if (this.#store.waitingCount > 0 || this.#canReport) this.#arm();
  }

  /** Who waits for what has become of the events, and are they done? */
  #look(): void {
    if (this.#waiters.count === 0 && this.#closing === undefined) return;
    if (this.#canReport) {
      this.#sendAll();
      this.#waiters.extend(this.#store.lastOrdinal);
    }
    this.#waiters.settle({ oldestOrdinal: this.#oldestOrdinal(), waitMs: this.#sender.waitMs });
    const done = this.#store.pendingCount === 0 && !this.#canReport;
    const hopeless = this.#runtime.clock.monotonicMs() + this.#sender.waitMs > this.#closeAtMs;
    if (done || hopeless) this.#endClosing?.();
  }

  #oldestOrdinal(): number {
    const held = this.#sender.heldEvents.map(({ ordinal }) => ordinal);
    return Math.min(this.#store.oldestOrdinal, ...held);
  }

  async #close(deadlineMs: number): Promise<CloseResult> {
    const before = this.#before();
    if (!this.#closed) await this.#deliverUntil(deadlineMs);
    this.#finish();
    return this.#since(before);
  }

  #deliverUntil(deadlineMs: number): Promise<void> {
    this.#closeAtMs = this.#runtime.clock.monotonicMs() + deadlineMs;
    return new Promise((resolve) => {
      // Whoever awaits `close` at the end of a program relies on this timer to keep the process alive until then.
      const timer = this.#runtime.timers.set(resolve, deadlineMs, { keepAlive: true });
      this.#endClosing = () => {
        timer.cancel();
        resolve();
      };
      // `#closing` is set once this returns; what is due then is found by the next turn.
      void Promise.resolve().then(() => {
        this.#sendAll();
        this.#sender.beginClosing();
        this.#look();
      });
    });
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.cancel();
    this.#endClosing?.();
    this.#store.putAway(this.#sender.stop());
    this.#spoolReports();
    this.#store.closeSpool();
    this.#waiters.settle({ oldestOrdinal: Number.POSITIVE_INFINITY, waitMs: 0 });
  }

  /** A full spool gives up old events for new ones, reports included, so a report can be the reason for another. */
  #spoolReports(): void {
    if (this.#options.spool === undefined || this.#hooks.makeDropped === undefined) return;
    for (let round = 0; round < SINK_BOUNDS.spoolReportRounds && this.#store.hasUnreported; round++) {
      this.#report(Number.POSITIVE_INFINITY);
      this.#store.putAway([]);
    }
  }

  #before(): CloseResult {
    const { delivered, spooled, dropped } = this.#store.counts;
    return { delivered, spooled, dropped };
  }

  #since(before: CloseResult): CloseResult {
    const { delivered, spooled, dropped } = this.#store.counts;
    return {
      delivered: delivered - before.delivered,
      spooled: spooled - before.spooled,
      dropped: dropped - before.dropped,
    };
  }

  #answered(answer: IngestAnswer): void {
    const { revision } = answer;
    if (revision !== undefined) this.#guard(() => this.#hooks.onAnswer?.(revision));
  }

  #failed(outcome: DeliveryFailure): void {
    const { key, message } = explainFailure(outcome);
    this.#log.warn(key, `${message}; ${this.#store.pendingCount} events wait`);
    if (outcome.kind !== "unauthorised") return;
    this.#guard(() => this.#hooks.onAuthFailure?.({ status: outcome.status, code: outcome.problem?.code }));
  }

  #guard<T>(hook: () => T): T | undefined {
    try {
      return hook();
    } catch (error) {
      const reason = errorText(error);
      this.#log.warn("hook", `HB_SINK_FAILED: a hook of the http sink threw \`${reason}\`; it is ignored`);
      return undefined;
    }
  }
}
