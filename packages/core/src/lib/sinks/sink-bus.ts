import type { AuditEvent } from "@handlebar/protocol";
import { withDeadline } from "../deadline.ts";
import { errorText } from "../error-text.ts";
import { type SerialisedEvent, serialiseEvent } from "../events/serialise-event.ts";
import type { Runtime } from "../runtime.ts";
import type { Sink } from "../sink.ts";
import { RateLimitedLog } from "./rate-limited-log.ts";
import { SINK_BOUNDS, SINK_TIMES } from "./sink-bounds.ts";
import { SinkBreaker } from "./sink-breaker.ts";
import { isTextSink } from "./text-sink.ts";

/** What became of the events that one sink was given. */
export interface SinkStats {
  readonly name: string;
  /** Events that the sink took, settled or not. */
  readonly written: number;
  /** Events whose `write` threw or rejected. */
  readonly failed: number;
  /** Events that the sink was not given, because it kept failing or had too many unsettled writes. */
  readonly skipped: number;
  /** Writes that have not settled. */
  readonly pending: number;
}

/**
 * Gives every event to every sink, each apart from the others and from the agent: what one throws, rejects or never settles is
 * counted and has no other effect. A sink that fails 5 times in 30 s is left out for 30 s.
 */
export class SinkBus {
  readonly #lanes: readonly SinkLane[];
  readonly #needsText: boolean;
  #closed: Promise<void> | undefined;

  constructor(runtime: Runtime, sinks: readonly Sink[]) {
    const log = new RateLimitedLog(runtime);
    this.#lanes = sinks.map((sink, index) => new SinkLane(runtime, log, { sink, index }));
    this.#needsText = sinks.some(isTextSink);
  }

  get hasSinks(): boolean {
    return this.#lanes.length > 0;
  }

  get stats(): readonly SinkStats[] {
    return this.#lanes.map((lane) => lane.stats);
  }

  /** Never throws and never waits. The event is serialised first, so that no sink can change what another records. */
  write(event: AuditEvent): void {
    if (this.#closed !== undefined) return;
    const text = this.#needsText ? serialiseEvent(event) : undefined;
    for (const lane of this.#lanes) lane.write(event, text);
  }

  /** Flushes every sink at once; resolves when all are done or at the deadline (default 5 s). */
  async flush(deadlineMs: number = SINK_TIMES.flushDeadlineMs): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.flush(deadlineMs)));
  }

  /** Closes every sink at once, each within the deadline (default 5 s); later calls give the first call's promise. */
  close(deadlineMs: number = SINK_TIMES.closeDeadlineMs): Promise<void> {
    this.#closed ??= Promise.all(this.#lanes.map((lane) => lane.close(deadlineMs))).then(() => undefined);
    return this.#closed;
  }

  /** Closes every sink without waiting, for a process that is exiting; also after `close`, which may not have come to its end. */
  closeNow(): void {
    this.#closed ??= Promise.resolve();
    for (const lane of this.#lanes) lane.closeNow();
  }
}

/** One sink and its accounts. */
class SinkLane {
  readonly #runtime: Runtime;
  readonly #log: RateLimitedLog;
  readonly #sink: Sink;
  readonly #name: string;
  readonly #breaker = new SinkBreaker();
  readonly #unsettled = new Set<Promise<void>>();
  #written = 0;
  #failed = 0;
  #skipped = 0;

  constructor(runtime: Runtime, log: RateLimitedLog, { sink, index }: { readonly sink: Sink; readonly index: number }) {
    this.#runtime = runtime;
    this.#log = log;
    this.#sink = sink;
    this.#name = typeof sink.name === "string" && sink.name !== "" ? sink.name : `sink ${index}`;
  }

  get stats(): SinkStats {
    return {
      name: this.#name,
      written: this.#written,
      failed: this.#failed,
      skipped: this.#skipped,
      pending: this.#unsettled.size,
    };
  }

  write(event: AuditEvent, text: SerialisedEvent | undefined): void {
    const full = this.#unsettled.size >= SINK_BOUNDS.unsettledCountMax;
    if (full || this.#breaker.isOpen(this.#nowMs())) {
      this.#skipped++;
      this.#log.warn(
        `${this.#name} skipped`,
        `HB_SINK_FAILED: the sink \`${this.#name}\` is left out for now; events for it are lost`,
      );
      return;
    }
    this.#written++;
    try {
      const result =
        text !== undefined && isTextSink(this.#sink) ? this.#sink.writeSerialised(text) : this.#sink.write(event);
      if (isThenable(result)) this.#follow(result);
    } catch (error) {
      this.#fail(error);
    }
  }

  async flush(deadlineMs: number): Promise<void> {
    await this.#within(deadlineMs, "flush", async () => {
      await Promise.all(this.#unsettled);
      await this.#sink.flush?.({ deadlineMs });
    });
  }

  async close(deadlineMs: number): Promise<void> {
    await this.#within(deadlineMs, "close", async () => {
      // A sink that has a bound of its own is told it at once; the others are first given time to settle.
      if (this.#sink.close === undefined) await this.flush(deadlineMs);
      else await Promise.all([this.#sink.close({ deadlineMs }), ...this.#unsettled]);
    });
  }

  closeNow(): void {
    try {
      this.#sink.closeNow?.();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #within(deadlineMs: number, what: string, work: () => Promise<void>): Promise<void> {
    if (this.#sink.flush === undefined && this.#sink.close === undefined && this.#unsettled.size === 0) return;
    // The sink has the deadline itself; the grace lets it end in time and say what became of its events.
    const timeoutMs = deadlineMs + SINK_BOUNDS.closeGraceMs;
    const result = await withDeadline(this.#runtime, work(), { timeoutMs });
    if (result.ok) return;
    const why =
      result.reason === "timeout"
        ? `did not ${what} within ${deadlineMs} ms`
        : `failed to ${what}: ${errorText(result.error)}`;
    this.#log.warn(`${this.#name} ${what}`, `HB_SINK_FAILED: the sink \`${this.#name}\` ${why}`);
  }

  #follow(result: PromiseLike<void>): void {
    const settled: Promise<void> = Promise.resolve(result)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#unsettled.delete(settled));
    this.#unsettled.add(settled);
  }

  #fail(error: unknown): void {
    this.#failed++;
    const opened = this.#breaker.failed(this.#nowMs());
    const rest = opened ? "; it is left out for 30 s" : "";
    this.#log.warn(
      `${this.#name} failed`,
      `HB_SINK_FAILED: the sink \`${this.#name}\` failed: ${errorText(error)}${rest}`,
    );
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs();
  }
}

function isThenable(value: unknown): value is PromiseLike<void> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
