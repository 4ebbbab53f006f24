import { errorText } from "../error-text.ts";
import type { SerialisedEvent } from "../events/serialise-event.ts";
import { defaultRuntime, type Runtime } from "../runtime.ts";
import type { EventSpool, SpooledEvent, SpoolLoss, SpoolLossReason, SpoolReceipt } from "../sinks/event-spool.ts";
import { RateLimitedLog } from "../sinks/rate-limited-log.ts";
import { SpoolDirectory } from "./spool-directory.ts";
import { compareSpoolNames, type SpoolName, spoolScope } from "./spool-name.ts";
import { newOwner } from "./spool-owner.ts";
import { SpoolSegment } from "./spool-segment.ts";

/** How often to look for what ended processes have left. */
const SCAN_INTERVAL_MS = 30_000;
/** How long a directory that cannot be used is left alone. */
const RETRY_INTERVAL_MS = 5_000;

const SIZE_BYTES_MAX = 67_108_864;
const SEGMENT_SIZE_BYTES_MAX = 4_194_304;
const AGE_MAX_MS = 7 * 86_400_000;

export interface FileSpoolOptions {
  /** Made with mode 0700 when absent. Processes of one machine may share it. */
  readonly dir: string;
  /** What its events have in common, such as endpoint and agent: only spools of the same scope take over each other's events. */
  readonly scope?: string | undefined;
  /**
   * `overflow` (default) stores what memory has no room for and what `close` could not deliver; `wal` writes every event through before it is
   * sent, so that none is lost when the process is killed (some microseconds for each event).
   */
  readonly mode?: "overflow" | "wal" | undefined;
  /** All files of the scope together; the oldest are given up, and counted. Default 64 MiB. */
  readonly sizeBytesMax?: number | undefined;
  /** One file. Default 4 MiB. */
  readonly segmentSizeBytesMax?: number | undefined;
  /** Older events are given up, and counted. Default 7 days. */
  readonly ageMaxMs?: number | undefined;
  /** Also survive a power cut, at the cost of a disk flush for each event. Default false. */
  readonly fsync?: boolean | undefined;
  readonly runtime?: Runtime | undefined;
}

export interface FileSpoolStats {
  /** In files of this process, those it took over included. */
  readonly sizeBytes: number;
  /** Times that the disk could not be used. */
  readonly failures: number;
  /** Lines that were not whole events, left by a process that was killed while writing. */
  readonly tornLines: number;
}

/**
 * Keeps events on disk for an HTTP sink, so that delivery is at least once across crashes; the store keeps each `eventId` once. Never throws:
 * what cannot be written is counted and logged. Each HTTP sink needs its own; they may share a directory.
 */
export function fileSpool(options: FileSpoolOptions): FileSpool {
  return new FileSpool(options);
}

/** See `fileSpool`. */
export class FileSpool implements EventSpool {
  readonly mode: "overflow" | "wal";
  readonly #sizeBytesMax: number;
  readonly #segmentSizeBytesMax: number;
  readonly #ageMaxMs: number;
  readonly #fsync: boolean;
  readonly #runtime: Runtime;
  readonly #log: RateLimitedLog;
  readonly #owner = newOwner();
  readonly #directory: SpoolDirectory;
  #onLoss: (loss: SpoolLoss) => void = () => undefined;
  /** In no order: the one that is written to, full ones, and those taken over. */
  #segments: readonly SpoolSegment[] = [];
  #active: SpoolSegment | undefined;
  #candidates: readonly SpoolName[] = [];
  #othersSizeBytes = 0;
  #nextScanMs = Number.NEGATIVE_INFINITY;
  #unusableUntilMs = Number.NEGATIVE_INFINITY;
  #isPrepared = false;
  #isClosed = false;
  #failures = 0;
  #tornLines = 0;

  constructor(options: FileSpoolOptions) {
    this.mode = options.mode ?? "overflow";
    this.#sizeBytesMax = options.sizeBytesMax ?? SIZE_BYTES_MAX;
    this.#segmentSizeBytesMax = options.segmentSizeBytesMax ?? SEGMENT_SIZE_BYTES_MAX;
    this.#ageMaxMs = options.ageMaxMs ?? AGE_MAX_MS;
    this.#fsync = options.fsync ?? false;
    this.#runtime = options.runtime ?? defaultRuntime();
    this.#log = new RateLimitedLog(this.#runtime);
    this.#directory = new SpoolDirectory(options.dir, spoolScope(options.scope ?? ""), this.#owner);
  }

  get stats(): FileSpoolStats {
    return { sizeBytes: this.#ownSizeBytes, failures: this.#failures, tornLines: this.#tornLines };
  }

  open(hooks: { readonly onLoss: (loss: SpoolLoss) => void }): void {
    this.#onLoss = hooks.onLoss;
  }

  write(event: SerialisedEvent, state: "held" | "stored"): SpoolReceipt | undefined {
    return this.#attempt(() => {
      const segment = this.#segmentFor(event.sizeBytes + 1);
      if (segment === undefined) throw new Error("the spool is full of events that are being sent");
      return { segment, line: segment.append(event, state, this.#fsync) };
    });
  }

  store(receipt: SpoolReceipt): boolean {
    const segment = this.#segmentOf(receipt);
    segment?.store(receipt.line);
    return segment !== undefined;
  }

  release(receipt: SpoolReceipt): void {
    const segment = this.#segmentOf(receipt);
    if (segment === undefined) return;
    segment.release(receipt.line);
    if (!segment.isNeeded) this.#guard(() => this.#tidy(segment));
  }

  read(countMax: number, sizeBytesMax: number): readonly SpooledEvent[] {
    return this.#attempt(() => this.#readNext(countMax, sizeBytesMax)) ?? [];
  }

  close(): void {
    if (this.#isClosed) return;
    for (const segment of this.#segments) {
      this.#guard(() => (segment.storedCount > 0 ? this.#directory.leave(segment) : segment.remove()));
    }
    this.#isClosed = true;
    this.#segments = [];
    this.#active = undefined;
    this.#owner.forget();
  }

  get #ownSizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Runs work on files, unless the directory has just failed: a full disk then costs little. */
  #attempt<T>(work: () => T): T | undefined {
    if (this.#isClosed || this.#runtime.clock.monotonicMs() < this.#unusableUntilMs) return undefined;
    return this.#guard(() => {
      if (!this.#isPrepared) this.#directory.prepare();
      this.#isPrepared = true;
      return work();
    });
  }

  /** Runs work on files; a failure is counted, and leaves the directory alone for a while. */
  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#failures++;
      this.#isPrepared = false;
      this.#unusableUntilMs = this.#runtime.clock.monotonicMs() + RETRY_INTERVAL_MS;
      const reason = errorText(error);
      this.#log.warn("spool", `HB_SINK_FAILED: the spool cannot be used for now: ${reason}`);
      return undefined;
    }
  }

  #segmentOf(receipt: SpoolReceipt): SpoolSegment | undefined {
    const { segment } = receipt;
    return segment instanceof SpoolSegment && !segment.isRemoved ? segment : undefined;
  }

  /** The segment that takes so many bytes more; undefined when no room can be made. */
  #segmentFor(sizeBytes: number): SpoolSegment | undefined {
    if (!this.#makeRoom(sizeBytes)) return undefined;
    if (this.#active !== undefined && this.#active.sizeBytes + sizeBytes > this.#segmentSizeBytesMax) {
      this.#active.seal();
      this.#active = undefined;
    }
    if (this.#active === undefined) {
      this.#active = this.#directory.create(this.#runtime.clock.nowMs());
      this.#segments = [...this.#segments, this.#active];
    }
    return this.#active;
  }

  #makeRoom(sizeBytes: number): boolean {
    while (this.#ownSizeBytes + this.#othersSizeBytes + sizeBytes > this.#sizeBytesMax) {
      const own = [...this.#segments].sort((a, b) => compareSpoolNames(a.name, b.name))[0];
      const [other] = this.#candidates;
      if (other !== undefined && (own === undefined || compareSpoolNames(other, own.name) < 0)) {
        const segment = this.#claimNext();
        if (segment !== undefined) this.#giveUp(segment, "spool_full");
      } else if (own !== undefined) this.#giveUp(own, "spool_full");
      else return false;
    }
    return true;
  }

  /** Removes a segment and accounts for what was in it; what is also in memory is not lost by this. */
  #giveUp(segment: SpoolSegment, reason: SpoolLossReason): void {
    const events = segment.peekStored();
    this.#remove(segment);
    if (events.length > 0) this.#onLoss({ reason, events, recovered: segment.recovered });
  }

  #remove(segment: SpoolSegment): void {
    this.#segments = this.#segments.filter((other) => other !== segment);
    if (this.#active === segment) this.#active = undefined;
    segment.remove();
  }

  #tidy(segment: SpoolSegment): void {
    if (segment === this.#active) segment.clear();
    else this.#remove(segment);
  }

  #readNext(countMax: number, sizeBytesMax: number): readonly SpooledEvent[] {
    for (let segment = this.#oldestStored(); segment !== undefined; segment = this.#oldestStored()) {
      const { recovered } = segment;
      const events = segment.read(countMax, sizeBytesMax);
      if (!segment.isNeeded) this.#tidy(segment);
      const from = segment;
      if (events.length > 0) {
        return events.map(({ event, line }) => ({ ...event, recovered, receipt: { segment: from, line } }));
      }
    }
    return [];
  }

  #oldestStored(): SpoolSegment | undefined {
    const stored = this.#segments.filter(({ storedCount }) => storedCount > 0);
    if (stored.length === 0) return this.#takeOver();
    return stored.sort((a, b) => compareSpoolNames(a.name, b.name))[0];
  }

  /** What ended processes have left, one segment at a time. */
  #takeOver(): SpoolSegment | undefined {
    const nowMs = this.#runtime.clock.monotonicMs();
    if (this.#candidates.length === 0 && nowMs < this.#nextScanMs) return undefined;
    if (this.#candidates.length === 0) this.#scan(nowMs);
    while (this.#candidates.length > 0) {
      const segment = this.#claimNext();
      if (segment === undefined) continue;
      const expired = this.#runtime.clock.nowMs() - segment.name.createdMs > this.#ageMaxMs;
      if (expired) this.#giveUp(segment, "spool_expired");
      else if (segment.isNeeded) return segment;
      else this.#remove(segment);
    }
    return undefined;
  }

  #scan(nowMs: number): void {
    this.#nextScanMs = nowMs + SCAN_INTERVAL_MS;
    const { free, sizeBytes } = this.#directory.scan();
    this.#candidates = free;
    this.#othersSizeBytes = sizeBytes;
  }

  #claimNext(): SpoolSegment | undefined {
    const [name, ...rest] = this.#candidates;
    this.#candidates = rest;
    const claimed = name === undefined ? undefined : this.#directory.claim(name);
    if (claimed === undefined) return undefined;
    this.#tornLines += claimed.tornCount;
    this.#othersSizeBytes = Math.max(0, this.#othersSizeBytes - claimed.segment.sizeBytes);
    this.#segments = [...this.#segments, claimed.segment];
    return claimed.segment;
  }
}
