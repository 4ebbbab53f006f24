import type { AuditEvent } from "@handlebar/protocol";
import type { Runtime } from "../runtime.ts";
import type { DropCount, DropReport } from "./drop-ledger.ts";
import type { EventSpool } from "./event-spool.ts";

/** The control plane refused the key. */
export interface AuthFailure {
  readonly status: number;
  /** The problem's `HB_...` code, where the answer has one. */
  readonly code?: string | undefined;
}

/** What a client gives a sink that it did not make itself. A throwing hook is ignored. */
export interface HttpSinkHooks {
  /**
   * Makes the `events.dropped` event of a report: an envelope of the run's next `seq`, with the report's `counts` and `ranges` as
   * its data. Without it, or when it answers `undefined`, drops are counted in `stats` and logged only.
   */
  readonly makeDropped?: ((report: DropReport) => AuditEvent | undefined) | undefined;
  /** The newest revision, as an ingest answer told it. */
  readonly onAnswer?: ((revision: number) => void) | undefined;
  readonly onAuthFailure?: ((failure: AuthFailure) => void) | undefined;
}

export interface HttpSinkOptions extends HttpSinkHooks {
  /** The control plane, without a path: events go to `{endpoint}/v1/runs/events`. */
  readonly endpoint: string;
  /** Read at each request where it is a function, so that keys can be rotated. */
  readonly apiKey: string | (() => string);
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: the host's clock, timers and `fetch`. */
  readonly runtime?: Runtime | undefined;
  /** Keeps what memory cannot, across crashes: `fileSpool` of `@handlebar/core/node`. */
  readonly spool?: EventSpool | undefined;
  /** Compress bodies above 1 KiB. Default: where the host has `CompressionStream`. */
  readonly compress?: boolean | undefined;
  /**
   * `interval` sends at most `flushIntervalMs` after an event was written. `request` sets no timer of its own and sends full batches
   * and what `flush` asks for; with `waitUntil`, what one request wrote is delivered in that request's background.
   * Default: `request` when `waitUntil` is given, else `interval`.
   */
  readonly flushMode?: "interval" | "request" | undefined;
  /** The host's way to let work outlive a request. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Events in memory, those being sent included. Default 10,000. */
  readonly queueCountMax?: number | undefined;
  /** Their UTF-8 bytes. Default 8 MiB. */
  readonly queueSizeBytesMax?: number | undefined;
  /** The part of the queue that messages and results cannot fill. Default 2 MiB, at most half the queue. */
  readonly mustKeepSizeBytes?: number | undefined;
  /** Events in one request. Default 200, at most 1,000. */
  readonly batchCountMax?: number | undefined;
  /** Bytes of events in one request. Default 512 KiB, at most half the queue. */
  readonly batchSizeBytesMax?: number | undefined;
  /** Default 1 s. */
  readonly flushIntervalMs?: number | undefined;
  /** One attempt, from connecting to the end of the answer. Default 10 s. */
  readonly attemptTimeoutMs?: number | undefined;
  /** First step of the exponential backoff. Default 500 ms. */
  readonly backoffBaseMs?: number | undefined;
  /** Longest step. Default 30 s. */
  readonly backoffMaxMs?: number | undefined;
  /** Longest `Retry-After` that is believed. Default 5 min. */
  readonly retryAfterMaxMs?: number | undefined;
  /** Between attempts while the key is refused. Default 60 s. */
  readonly authRetryMs?: number | undefined;
  /** Bound of `flush` when the caller gives none. Default 5 s. */
  readonly flushDeadlineMs?: number | undefined;
  /** Bound of `close` when the caller gives none. Default 5 s. */
  readonly closeDeadlineMs?: number | undefined;
}

/** What became of the events that were waiting when `close` was called. */
export interface CloseResult {
  readonly delivered: number;
  /** Left on disk for the next process. */
  readonly spooled: number;
  readonly dropped: number;
}

/**
 * Accounts of an HTTP sink. At any moment `emitted + recovered = delivered + dropped + spooled + pending`, exactly.
 */
export interface HttpSinkStats {
  /** Events written to the sink, its own `events.dropped` events included. */
  readonly emitted: number;
  /** Events of earlier processes that were taken over from the spool. */
  readonly recovered: number;
  /** Events that the control plane has acknowledged, each counted once. */
  readonly delivered: number;
  /** Those of `delivered` that it had already. */
  readonly duplicates: number;
  readonly dropped: number;
  readonly drops: readonly DropCount[];
  /** Dropped events that no delivered `events.dropped` event has told the control plane of, so far. */
  readonly unreportedDrops: number;
  /** On disk alone. */
  readonly spooled: number;
  /** In memory. */
  readonly pending: number;
  readonly queueSizeBytes: number;
  readonly queueSizeBytesPeak: number;
  readonly attempts: number;
  /** False from a failed attempt until the next success. */
  readonly healthy: boolean;
}
