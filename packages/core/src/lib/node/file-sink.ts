import { existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { AuditEvent } from "@handlebar/protocol";
import { errorText } from "../error-text.ts";
import { type SerialisedEvent, serialiseEvent } from "../events/serialise-event.ts";
import { installExitHooks } from "../exit-hooks.ts";
import { defaultRuntime, type Runtime } from "../runtime.ts";
import { RateLimitedLog } from "../sinks/rate-limited-log.ts";
import type { TextSink } from "../sinks/text-sink.ts";
import { LineStream, type LineStreamOptions } from "./line-stream.ts";

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const SIZE_BYTES_MAX = 67_108_864;
const ROTATED_COUNT_MAX = 5;
const BUFFER_SIZE_BYTES_MAX = 8_388_608;
/** How long a file that cannot be opened or rotated is left alone. */
const RETRY_INTERVAL_MS = 5_000;

export interface FileSinkOptions {
  /** Appended to; made, with its directory, when absent. Readable by its owner alone. */
  readonly path: string;
  /** A file that would become larger is renamed to `<path>.1`, and those before it to `.2` and so on. Default 64 MiB. */
  readonly sizeBytesMax?: number | undefined;
  /** Renamed files that are kept. Default 5; 0 keeps none. */
  readonly rotatedCountMax?: number | undefined;
  /** What waits in memory while the disk is full or slow; beyond it events are dropped and counted. Default 8 MiB. */
  readonly bufferSizeBytesMax?: number | undefined;
  /**
   * Default true: each event is in the file when `write` returns (some microseconds), also when the process is killed a moment later.
   * False writes in the background, and the last events can be lost with the process.
   */
  readonly sync?: boolean | undefined;
  readonly runtime?: Runtime | undefined;
}

export interface FileSinkStats {
  /** Events that the sink was given. */
  readonly written: number;
  /** Those of them that will never be in the file. */
  readonly dropped: number;
  /** Times that opening, writing, rotating or flushing failed. */
  readonly failures: number;
}

export interface FileSink extends TextSink {
  readonly name: "file";
  readonly stats: FileSinkStats;
  flush(): Promise<void>;
  close(): Promise<void>;
  closeNow(): void;
  /** Opens the file anew, after another program has moved it away. */
  reopen(): void;
}

/** Writes each event as one line of JSON. Never throws: failures are counted, and tried again with the next event. */
export function fileSink(options: FileSinkOptions): FileSink {
  return new JsonlFile(options);
}

class JsonlFile implements FileSink {
  readonly name = "file" as const;
  readonly #path: string;
  readonly #sizeBytesMax: number;
  readonly #rotatedCountMax: number;
  readonly #stream: Omit<LineStreamOptions, "onFailure" | "onDrop">;
  readonly #runtime: Runtime;
  readonly #log: RateLimitedLog;
  #current: LineStream | undefined;
  #sizeBytes = 0;
  /** Files that were renamed, while their last lines are being written. */
  readonly #ending = new Set<Promise<void>>();
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #removeHook: (() => void) | undefined;
  #isClosed = false;
  #written = 0;
  #dropped = 0;
  #failures = 0;

  constructor(options: FileSinkOptions) {
    this.#path = options.path;
    this.#sizeBytesMax = options.sizeBytesMax ?? SIZE_BYTES_MAX;
    this.#rotatedCountMax = options.rotatedCountMax ?? ROTATED_COUNT_MAX;
    this.#stream = {
      sync: options.sync ?? true,
      bufferSizeBytesMax: options.bufferSizeBytesMax ?? BUFFER_SIZE_BYTES_MAX,
    };
    this.#runtime = options.runtime ?? defaultRuntime();
    this.#log = new RateLimitedLog(this.#runtime);
  }

  get stats(): FileSinkStats {
    return { written: this.#written, dropped: this.#dropped, failures: this.#failures };
  }

  write(event: AuditEvent): void {
    this.writeSerialised(serialiseEvent(event));
  }

  writeSerialised(event: SerialisedEvent): void {
    this.#written++;
    const sizeBytes = event.sizeBytes + 1;
    const stream = this.#isClosed ? undefined : this.#streamFor(sizeBytes);
    if (stream === undefined) {
      this.#dropped++;
      return;
    }
    stream.write(event.text);
    this.#sizeBytes += sizeBytes;
  }

  async flush(): Promise<void> {
    await Promise.all([this.#current?.flush(), ...this.#ending]);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#removeHook?.();
    await Promise.all([this.#current?.end(), ...this.#ending]);
  }

  closeNow(): void {
    this.#isClosed = true;
    this.#removeHook?.();
    this.#current?.endNow();
  }

  reopen(): void {
    this.#retire();
  }

  #streamFor(sizeBytes: number): LineStream | undefined {
    const isFull = this.#sizeBytes > 0 && this.#sizeBytes + sizeBytes > this.#sizeBytesMax;
    const mayTry = this.#runtime.clock.monotonicMs() >= this.#notBeforeMs;
    if (this.#current !== undefined && isFull && mayTry) this.#attempt(() => this.#rotate());
    if (this.#current === undefined && mayTry) this.#attempt(() => this.#open());
    return this.#current;
  }

  #open(): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: DIRECTORY_MODE });
    const fd = openSync(this.#path, "a+", FILE_MODE);
    this.#sizeBytes = fstatSync(fd).size;
    // A line that was cut short when a process was killed must not swallow the next one.
    if (this.#sizeBytes > 0 && !endsLine(fd, this.#sizeBytes)) this.#sizeBytes += writeSync(fd, "\n");
    this.#current = new LineStream(fd, {
      ...this.#stream,
      onFailure: (error) => this.#fail(error),
      onDrop: (count) => {
        this.#dropped += count;
      },
    });
    this.#removeHook ??= installExitHooks({ flush: () => this.flush(), closeNow: () => this.closeNow() });
  }

  #rotate(): void {
    rmSync(this.#rotated(this.#rotatedCountMax), { force: true });
    for (let index = this.#rotatedCountMax - 1; index >= 0; index--) {
      if (existsSync(this.#rotated(index))) renameSync(this.#rotated(index), this.#rotated(index + 1));
    }
    this.#retire();
  }

  /** The file itself is number 0. */
  #rotated(index: number): string {
    return index === 0 ? this.#path : `${this.#path}.${index}`;
  }

  /** Lets the current file write its last lines; the next event opens another. */
  #retire(): void {
    const stream = this.#current;
    this.#current = undefined;
    if (stream === undefined) return;
    const ending: Promise<void> = stream.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
      this.#notBeforeMs = this.#runtime.clock.monotonicMs() + RETRY_INTERVAL_MS;
    }
  }

  #fail(error: unknown): void {
    this.#failures++;
    const reason = errorText(error);
    this.#log.warn("file", `HB_SINK_FAILED: the file sink failed: ${reason}`);
  }
}

const NEWLINE = 0x0a;

function endsLine(fd: number, sizeBytes: number): boolean {
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, sizeBytes - 1);
  return last[0] === NEWLINE;
}
