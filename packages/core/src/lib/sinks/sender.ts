import type { IngestAnswer } from "@handlebar/protocol";
import { shrinkEvent } from "../events/serialise-event.ts";
import type { Runtime, Timer } from "../runtime.ts";
import { type Batch, makeBatch, splitBatch } from "./batch.ts";
import { DeferredBatches } from "./deferred-batches.ts";
import { type Delivery, type DeliveryFailure, type DeliveryOutcome, type DeliveryTarget, deliver } from "./delivery.ts";
import type { DropReason } from "./drop-ledger.ts";
import type { QueuedEvent } from "./event-queue.ts";
import { Pacing, type PacingBounds } from "./pacing.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

/** What the sender asks of, and tells, the sink that owns the events. */
export interface SenderHost {
  /** The next events to send, in order, of one agent; none when nothing is due. */
  nextEvents(): readonly QueuedEvent[];
  delivered(event: QueuedEvent, duplicate: boolean): void;
  dropped(event: QueuedEvent, reason: DropReason): void;
  /** An event was cut to fit the server's limit. */
  replaced(before: QueuedEvent, after: QueuedEvent): void;
  answered(answer: IngestAnswer): void;
  failed(outcome: DeliveryFailure): void;
  /** An attempt has ended. */
  settled(): void;
}

export interface SenderOptions {
  readonly runtime: Runtime;
  readonly target: DeliveryTarget;
  readonly pacing: PacingBounds;
  readonly batchSizeBytesMax: number;
  readonly compress: boolean;
  readonly host: SenderHost;
}

interface Attempt {
  readonly batch: Batch;
  readonly delivery: Delivery;
  readonly startedMs: number;
}

/**
 * Sends one batch at a time, in order, until it is answered. It is driven by `pump` and keeps the time of its next attempt as a
 * number, so that a host that freezes timers or loses requests between two events cannot stall it.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #pacing: Pacing;
  readonly #deferred = new DeferredBatches();
  #batches: Batch[] = [];
  #attempt: Attempt | undefined;
  #timer: Timer | undefined;
  #timerAtMs = 0;
  #stopped = false;
  #closing = false;
  #compress: boolean;
  #batchSizeBytesMax: number;
  #attemptCount = 0;
  #successCount = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#pacing = new Pacing(options.pacing, options.runtime.random);
    this.#compress = options.compress;
    this.#batchSizeBytesMax = options.batchSizeBytesMax;
  }

  get attemptCount(): number {
    return this.#attemptCount;
  }

  get healthy(): boolean {
    return this.#pacing.healthy;
  }

  /** Bytes of events in one request; becomes smaller when the server says so. */
  get batchSizeBytesMax(): number {
    return this.#batchSizeBytesMax;
  }

  /** Milliseconds until the next attempt may start; 0 while one is under way. */
  get waitMs(): number {
    return this.#attempt === undefined ? this.#pacing.waitMs(this.#nowMs()) : 0;
  }

  /** Events taken and not settled. */
  get heldEvents(): readonly QueuedEvent[] {
    const attempted = this.#attempt === undefined ? [] : [this.#attempt.batch];
    return [...attempted, ...this.#batches, ...this.#deferred.batches].flatMap(({ events }) => events);
  }

  /** Ends a wait that the server did not ask for. */
  wake(): void {
    this.#pacing.cutBackoff();
    this.pump();
  }

  /** From now on events that were set aside are tried like the others. */
  beginClosing(): void {
    this.#closing = true;
    this.wake();
  }

  /** Ends everything at once and hands back what was not settled. */
  stop(): readonly QueuedEvent[] {
    const rest = this.heldEvents;
    this.#stopped = true;
    this.#timer?.cancel();
    this.#attempt?.delivery.abort();
    this.#attempt = undefined;
    this.#batches = [];
    return rest;
  }

  /** Starts the next attempt if one may start, else makes sure that it will. */
  pump(): void {
    if (this.#stopped || this.#isAttempting()) return;
    const waitMs = this.#pacing.waitMs(this.#nowMs());
    if (waitMs > 0) {
      this.#wakeIn(waitMs);
      return;
    }
    const batch = this.#nextBatch();
    if (batch !== undefined) {
      this.#start(batch);
      return;
    }
    const deferredMs = this.#deferred.waitMs(this.#nowMs());
    if (Number.isFinite(deferredMs)) this.#wakeIn(deferredMs);
  }

  #nowMs(): number {
    return this.#options.runtime.clock.monotonicMs();
  }

  #wakeIn(delayMs: number): void {
    const atMs = this.#nowMs() + delayMs;
    if (this.#timer !== undefined && this.#timerAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#options.runtime.timers.set(() => {
      this.#timer = undefined;
      this.pump();
    }, delayMs);
  }

  #isAttempting(): boolean {
    const attempt = this.#attempt;
    if (attempt === undefined) return false;
    const lostAfterMs = this.#options.target.attemptTimeoutMs + SINK_BOUNDS.attemptGraceMs;
    if (this.#nowMs() - attempt.startedMs <= lostAfterMs) return true;
    attempt.delivery.abort();
    this.#attempt = undefined;
    this.#settle(attempt.batch, { kind: "unavailable", reason: "timeout" });
    return false;
  }

  #nextBatch(): Batch | undefined {
    const first = this.#batches.shift();
    if (first !== undefined) return first;
    const deferred = this.#deferred.next(this.#closing ? Number.POSITIVE_INFINITY : this.#nowMs());
    if (deferred !== undefined) return deferred;
    const events = this.#options.host.nextEvents();
    return events.length === 0 ? undefined : makeBatch(this.#options.runtime.newId(), events);
  }

  #start(batch: Batch): void {
    const { runtime, target } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#attemptCount++;
    const delivery = deliver(runtime, target, { batch, compress: this.#compress });
    const attempt = { batch, delivery, startedMs: this.#nowMs() };
    this.#attempt = attempt;
    void delivery.outcome.then((outcome) => {
      if (this.#attempt !== attempt) return;
      this.#attempt = undefined;
      this.#settle(batch, outcome);
      this.#options.host.settled();
      this.pump();
    });
  }

  #settle(batch: Batch, outcome: DeliveryOutcome): void {
    if (outcome.kind === "answered") {
      this.#settleAnswered(batch, outcome.answer);
      return;
    }
    this.#options.host.failed(outcome);
    this.#settleFailed(batch, outcome);
  }

  #settleFailed(batch: Batch, outcome: DeliveryFailure): void {
    switch (outcome.kind) {
      case "unavailable":
        this.#settleUnavailable(batch, outcome);
        break;
      case "refused":
        this.#pacing.refused(this.#nowMs());
        this.#splitOr(batch, (event) => this.#options.host.dropped(event, "rejected"));
        break;
      case "too_large":
        this.#settleTooLarge(batch);
        break;
      case "not_compressed":
        this.#compress = false;
        this.#batches.unshift(batch);
        break;
      case "unauthorised":
        this.#pacing.unauthorised(this.#nowMs());
        this.#batches.unshift(batch);
        break;
    }
  }

  #settleAnswered(batch: Batch, answer: IngestAnswer): void {
    const statuses = new Map(answer.results.map(({ eventId, status }) => [eventId, status]));
    const again: QueuedEvent[] = [];
    for (const event of batch.events) {
      const status = statuses.get(event.eventId) ?? "accepted";
      if (status === "retry") again.push(event);
      else if (status === "rejected") this.#options.host.dropped(event, "rejected");
      else this.#options.host.delivered(event, status === "duplicate");
    }
    if (again.length < batch.events.length) {
      this.#successCount++;
      this.#pacing.succeeded();
    }
    if (again.length > 0) {
      this.#pacing.failed(this.#nowMs());
      const rest = makeBatch(this.#options.runtime.newId(), again, batch.failureCount + 1);
      this.#suspectOrKeep(rest);
    }
    this.#options.host.answered(answer);
  }

  #settleUnavailable(batch: Batch, outcome: Extract<DeliveryFailure, { kind: "unavailable" }>): void {
    this.#pacing.failed(this.#nowMs(), outcome.retryAfterMs);
    // A status of 500 can be the work of one event; an answer too long to read is the work of many.
    if (outcome.status === 500) batch.failureCount++;
    if (outcome.reason === "long_answer" && batch.events.length > 1)
      batch.failureCount = SINK_BOUNDS.suspectFailureCount;
    this.#suspectOrKeep(batch);
  }

  /** Keeps a batch at the head, unless it may itself be why the server fails: then the event behind it is looked for and set aside. */
  #suspectOrKeep(batch: Batch): void {
    if (batch.failureCount < SINK_BOUNDS.suspectFailureCount) {
      this.#batches.unshift(batch);
      return;
    }
    if (batch.events.length > 1) {
      this.#batches.unshift(...splitBatch(batch, this.#options.runtime.newId));
      return;
    }
    const notBeforeMs = this.#nowMs() + this.#options.pacing.backoffMaxMs;
    const givenUp = this.#deferred.add(batch, notBeforeMs, this.#successCount);
    if (givenUp === undefined) this.#batches.unshift(batch);
    for (const event of givenUp ?? []) this.#options.host.dropped(event, "server_error");
  }

  #settleTooLarge(batch: Batch): void {
    const sizeBytes = batch.events.reduce((sum, event) => sum + event.sizeBytes, 0);
    const halfBytes = Math.min(this.#batchSizeBytesMax, sizeBytes) / 2;
    this.#batchSizeBytesMax = Math.max(halfBytes, SINK_BOUNDS.batchSizeBytesMin);
    this.#pacing.refused(this.#nowMs());
    this.#splitOr(batch, (event) => {
      const shrunk = shrinkEvent(event, Math.max(event.sizeBytes / 2, SINK_BOUNDS.shrinkSizeBytesMin));
      if (shrunk === undefined) {
        this.#options.host.dropped(event, "too_large");
        return;
      }
      const after = { ...event, ...shrunk };
      this.#options.host.replaced(event, after);
      this.#batches.unshift(makeBatch(this.#options.runtime.newId(), [after], batch.failureCount));
    });
  }

  #splitOr(batch: Batch, single: (event: QueuedEvent) => void): void {
    const [event] = batch.events;
    if (batch.events.length > 1) this.#batches.unshift(...splitBatch(batch, this.#options.runtime.newId));
    else if (event !== undefined) single(event);
  }
}
