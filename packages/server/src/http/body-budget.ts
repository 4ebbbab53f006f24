/** What one request holds of the memory for bodies. */
export interface BodyShare {
  /** False when there is no room for so much more; then nothing was taken. */
  tryTake(sizeBytes: number): boolean;
  release(): void;
}

/** The memory that bodies of all requests may take together. */
export class BodyBudget {
  readonly #sizeBytesMax: number;
  #sizeBytes = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  open(): BodyShare {
    let taken = 0;
    return {
      tryTake: (sizeBytes) => {
        if (this.#sizeBytes + sizeBytes > this.#sizeBytesMax) return false;
        this.#sizeBytes += sizeBytes;
        taken += sizeBytes;
        return true;
      },
      release: () => {
        this.#sizeBytes -= taken;
        taken = 0;
      },
    };
  }
}
