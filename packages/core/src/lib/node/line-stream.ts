import sonicBoom from "sonic-boom";

// A CommonJS module: Node finds no named export in it.
const { SonicBoom } = sonicBoom;
type SonicBoom = InstanceType<typeof SonicBoom>;

export interface LineStreamOptions {
  readonly sync: boolean;
  /** What waits in memory while the disk does not take it. */
  readonly bufferSizeBytesMax: number;
  readonly onFailure: (error: unknown) => void;
  /** So many lines will never be written. */
  readonly onDrop: (count: number) => void;
}

/** Writes lines to an open file and knows how many are not in it yet. Never throws. */
export class LineStream {
  readonly #stream: SonicBoom;
  readonly #options: LineStreamOptions;
  #pendingCount = 0;
  #troubleCount = 0;
  #isEnded = false;

  constructor(fd: number, options: LineStreamOptions) {
    this.#options = options;
    this.#stream = new SonicBoom({ fd, sync: options.sync, maxLength: options.bufferSizeBytesMax });
    this.#stream.on("error", (error: unknown) => this.#fail(error));
    this.#stream.on("drain", () => {
      this.#pendingCount = 0;
    });
    this.#stream.on("drop", () => {
      this.#pendingCount--;
      this.#troubleCount++;
      options.onDrop(1);
    });
  }

  write(text: string): void {
    const troubleBefore = this.#troubleCount;
    this.#pendingCount++;
    this.#try(() => this.#stream.write(`${text}\n`));
    if (this.#options.sync && this.#troubleCount === troubleBefore) this.#pendingCount = 0;
  }

  /** Resolves when all that was written is in the file, or has failed to get there; a later call tries again. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const done = (error?: Error | null): void => {
        if (error !== undefined && error !== null) this.#fail(error);
        resolve();
      };
      if (this.#isEnded || !this.#try(() => this.#stream.flush(done))) resolve();
    });
  }

  /** Writes what waits and closes the file; what cannot be written is given up. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    await this.flush();
    this.#isEnded = true;
    this.#giveUp();
    await new Promise<void>((resolve) => {
      this.#stream.once("close", () => resolve());
      if (!this.#try(() => this.#stream.destroy())) resolve();
    });
  }

  /** As `end`, without waiting. */
  endNow(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const written = this.#pendingCount === 0 || this.#try(() => this.#stream.flushSync());
    if (written) this.#pendingCount = 0;
    this.#giveUp();
    this.#try(() => this.#stream.destroy());
  }

  #giveUp(): void {
    if (this.#pendingCount > 0) this.#options.onDrop(this.#pendingCount);
    this.#pendingCount = 0;
  }

  #try(work: () => unknown): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #fail(error: unknown): void {
    this.#troubleCount++;
    this.#options.onFailure(error);
  }
}
