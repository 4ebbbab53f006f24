import { renameSync, rmSync, statSync } from "node:fs";
import type { AuditEvent } from "@handlebar/protocol";
import sonicBoom from "sonic-boom";
import { type SerialisedEvent, serialiseEvent } from "../events/serialise-event.ts";
import type { TextSink } from "../sinks/text-sink.ts";

export interface FileSinkOptions {
  /** The file; its folder is made when it is not there. */
  readonly path: string;
  /** Starts a new file before this one grows larger, in bytes. Default 64 MiB. */
  readonly rotateSizeBytes?: number | undefined;
  /** How many older files are kept, as `path.1` (newest) to `path.N`. Default 5. */
  readonly keepCount?: number | undefined;
}

export interface FileSink extends TextSink {
  write(event: AuditEvent): void;
  flush(): void;
  close(): void;
  /** Events that could not be written, such as on a full disk. */
  readonly failedCount: number;
}

// A CommonJS module: its class is a property of what it exports.
const { SonicBoom } = sonicBoom;

const ROTATE_SIZE_BYTES = 64 * 1024 * 1024;
const KEEP_COUNT = 5;

/**
 * Writes each event as a line of JSON. A line is handed to the operating system before `write` returns, so that a crash of
 * the process loses none; a power cut may. What cannot be written is counted and never thrown.
 */
export function fileSink(options: FileSinkOptions): FileSink {
  return new JsonLinesFile(options);
}

class JsonLinesFile implements FileSink {
  readonly name = "file";
  readonly #options: FileSinkOptions;
  readonly #rotateSizeBytes: number;
  #stream: InstanceType<typeof SonicBoom> | undefined;
  #sizeBytes = 0;
  #failedCount = 0;
  #isClosed = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#rotateSizeBytes = options.rotateSizeBytes ?? ROTATE_SIZE_BYTES;
  }

  get failedCount(): number {
    return this.#failedCount;
  }

  write(event: AuditEvent): void {
    this.writeSerialised(serialiseEvent(event));
  }

  writeSerialised({ text }: SerialisedEvent): void {
    if (this.#isClosed) return;
    const line = `${text}\n`;
    const sizeBytes = Buffer.byteLength(line);
    try {
      if (this.#sizeBytes > 0 && this.#sizeBytes + sizeBytes > this.#rotateSizeBytes) this.#rotate();
      this.#open().write(line);
      this.#sizeBytes += sizeBytes;
    } catch {
      this.#fail();
    }
  }

  flush(): void {
    this.#stream?.flushSync();
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #open(): InstanceType<typeof SonicBoom> {
    if (this.#stream !== undefined) return this.#stream;
    const stream = new SonicBoom({ dest: this.#options.path, append: true, mkdir: true, sync: true });
    stream.on("error", () => this.#fail());
    this.#sizeBytes = fileSizeBytes(this.#options.path);
    this.#stream = stream;
    return stream;
  }

  /** The next event tries to open the file anew: a disk may have room again. */
  #fail(): void {
    this.#failedCount += 1;
    this.#drop();
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    try {
      stream?.flushSync();
      stream?.destroy();
    } catch {
      // The stream has failed already: there is nothing more to release.
    }
  }

  #rotate(): void {
    this.#drop();
    const { path } = this.#options;
    const keepCount = this.#options.keepCount ?? KEEP_COUNT;
    rmSync(`${path}.${keepCount}`, { force: true });
    for (let number = keepCount - 1; number >= 1; number--) moveIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    if (keepCount > 0) moveIfThere(path, `${path}.1`);
    else rmSync(path, { force: true });
    this.#sizeBytes = 0;
  }
}

function fileSizeBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function moveIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
}
