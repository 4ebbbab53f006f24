import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { SerialisedEvent } from "../events/serialise-event.ts";
import { parseSpoolLine } from "./spool-line.ts";
import type { SpoolName } from "./spool-name.ts";

const HELD = 0;
const STORED = 1;
const RELEASED = 2;
const NEWLINE = 0x0a;

/** Owner may read and write; nobody else. */
const FILE_MODE = 0o600;

/** One file of events and what is known of each of its lines. Methods throw what the file system throws. */
export class SpoolSegment {
  readonly name: SpoolName;
  /** Whether another process, or an earlier one, wrote it. */
  readonly recovered: boolean;
  #path: string;
  #fd: number | undefined;
  #states: number[] = [];
  /** Where each line starts; one more than there are lines, the last being the end. */
  #starts: number[] = [0];
  #cursor = 0;
  #heldCount = 0;
  #storedCount = 0;
  #removed = false;

  private constructor(path: string, name: SpoolName, recovered: boolean) {
    this.#path = path;
    this.name = name;
    this.recovered = recovered;
  }

  /** A new file; fails when one of that name exists, a link included. */
  static create(path: string, name: SpoolName): SpoolSegment {
    const segment = new SpoolSegment(path, name, false);
    segment.#fd = openSync(path, "ax", FILE_MODE);
    return segment;
  }

  /** A file that an ended process left. `tornCount` is of lines that are not whole events. */
  static recover(path: string, name: SpoolName): { readonly segment: SpoolSegment; readonly tornCount: number } {
    const segment = new SpoolSegment(path, name, true);
    const bytes = readFileSync(path);
    let tornCount = 0;
    for (let start = 0; start < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      const whole = newline >= 0 && parseSpoolLine(bytes.toString("utf8", start, end)) !== undefined;
      if (!whole && end > start) tornCount++;
      segment.#addLine(end + 1, whole ? STORED : RELEASED);
      start = end + 1;
    }
    return { segment, tornCount };
  }

  get sizeBytes(): number {
    return this.#starts.at(-1) ?? 0;
  }

  /** Lines that are on disk alone. */
  get storedCount(): number {
    return this.#storedCount;
  }

  get isNeeded(): boolean {
    return this.#heldCount + this.#storedCount > 0;
  }

  get isRemoved(): boolean {
    return this.#removed;
  }

  /** Appends one event; answers its line. After a failure the file is as it was before. */
  append(event: SerialisedEvent, state: "held" | "stored", fsync: boolean): number {
    const fd = this.#fd;
    if (fd === undefined) throw new Error("the segment is sealed");
    const before = this.sizeBytes;
    const bytes = Buffer.from(`${event.text}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      if (fsync) fdatasyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, before);
      throw error;
    }
    this.#addLine(before + bytes.length, state === "held" ? HELD : STORED);
    return this.#states.length - 1;
  }

  store(line: number): void {
    if (this.#move(line, HELD, STORED)) this.#cursor = Math.min(this.#cursor, line);
  }

  release(line: number): void {
    this.#move(line, HELD, RELEASED);
  }

  /** The next stored events, each held from now on; at least one when there is any. */
  read(countMax: number, sizeBytesMax: number): readonly { readonly line: number; readonly event: SerialisedEvent }[] {
    const lines = this.#nextStored(countMax, sizeBytesMax);
    const texts = this.#readLines(lines);
    const events: { readonly line: number; readonly event: SerialisedEvent }[] = [];
    lines.forEach((line, index) => {
      const event = parseSpoolLine(texts[index] ?? "");
      this.#move(line, STORED, event === undefined ? RELEASED : HELD);
      if (event !== undefined) events.push({ line, event });
    });
    return events;
  }

  /** All stored events, without a change to them. */
  peekStored(): readonly SerialisedEvent[] {
    const lines = this.#states.flatMap((state, line) => (state === STORED ? [line] : []));
    return this.#readLines(lines).flatMap((text) => parseSpoolLine(text) ?? []);
  }

  /** Everything in it is settled: it may be used from the start again. */
  clear(): void {
    if (this.#fd === undefined || this.sizeBytes === 0) return;
    ftruncateSync(this.#fd, 0);
    this.#states = [];
    this.#starts = [0];
    this.#cursor = 0;
  }

  /** Nothing more is written to it. */
  seal(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  remove(): void {
    this.#removed = true;
    this.seal();
    unlinkSync(this.#path);
  }

  /** Leaves it for another process under a free name: only what is stored, so that nothing is delivered twice without need. */
  leave(tmpPath: string, freePath: string): void {
    this.seal();
    if (this.#states.every((state) => state === STORED)) {
      renameSync(this.#path, freePath);
      return;
    }
    const lines = this.#states.flatMap((state, line) => (state === STORED ? [line] : []));
    const fd = openSync(tmpPath, "wx", FILE_MODE);
    try {
      const bytes = Buffer.from(
        this.#readLines(lines)
          .map((text) => `${text}\n`)
          .join(""),
      );
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } finally {
      closeSync(fd);
    }
    renameSync(tmpPath, freePath);
    unlinkSync(this.#path);
  }

  #addLine(end: number, state: number): void {
    this.#starts.push(end);
    this.#states.push(state);
    if (state === HELD) this.#heldCount++;
    if (state === STORED) this.#storedCount++;
  }

  #move(line: number, from: number, to: number): boolean {
    if (this.#states[line] !== from) return false;
    this.#states[line] = to;
    if (from === HELD) this.#heldCount--;
    if (from === STORED) this.#storedCount--;
    if (to === HELD) this.#heldCount++;
    if (to === STORED) this.#storedCount++;
    return true;
  }

  #nextStored(countMax: number, sizeBytesMax: number): readonly number[] {
    const lines: number[] = [];
    let sizeBytes = 0;
    for (; this.#cursor < this.#states.length && lines.length < countMax; this.#cursor++) {
      if (this.#states[this.#cursor] !== STORED) continue;
      sizeBytes += this.#lineSizeBytes(this.#cursor);
      if (lines.length > 0 && sizeBytes > sizeBytesMax) break;
      lines.push(this.#cursor);
    }
    return lines;
  }

  #lineSizeBytes(line: number): number {
    return (this.#starts[line + 1] ?? 0) - (this.#starts[line] ?? 0) - 1;
  }

  #readLines(lines: readonly number[]): readonly string[] {
    if (lines.length === 0) return [];
    const fd = openSync(this.#path, "r");
    try {
      return lines.map((line) => {
        const bytes = Buffer.alloc(this.#lineSizeBytes(line));
        const count = readSync(fd, bytes, 0, bytes.length, this.#starts[line] ?? 0);
        return bytes.toString("utf8", 0, count);
      });
    } finally {
      closeSync(fd);
    }
  }
}
