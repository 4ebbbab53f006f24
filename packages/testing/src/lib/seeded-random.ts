/** A stream of numbers that is the same for the same seed, on every machine. Not for secrets. */
export interface SeededRandom {
  readonly seed: string;
  /** Uniform in [0, 1), with 32 bits. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** A new list in another order, each order as likely. */
  shuffle<T>(list: readonly T[]): T[];
  /** `length` bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A stream of its own: the same for the same seed and name, whatever was drawn from this one. */
  fork(name: string): SeededRandom;
}

/** A stream by SFC32, a small fast counting generator, its state hashed from the seed. */
export function createRandom(seed: number | string): SeededRandom {
  return new Stream(String(seed));
}

const WARM_UP_COUNT = 15;

class Stream implements SeededRandom {
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.seed = seed;
    this.#a = hash(seed, 0x9e3779b9);
    this.#b = hash(seed, 0x243f6a88);
    this.#c = hash(seed, 0xb7e15162);
    for (let count = 0; count < WARM_UP_COUNT; count++) this.#uint32();
  }

  next(): number {
    return this.#uint32() / 2 ** 32;
  }

  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("pick: the list is empty");
    // The place is inside the list, so what is there is a `T`, `undefined` included.
    return list[this.int(0, list.length - 1)] as T;
  }

  shuffle<T>(list: readonly T[]): T[] {
    const rest = [...list];
    const shuffled: T[] = [];
    while (rest.length > 0) shuffled.push(...rest.splice(this.int(0, rest.length - 1), 1));
    return shuffled;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.int(0, 255));
  }

  fork(name: string): SeededRandom {
    return new Stream(`${this.seed}/${name}`);
  }

  #uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** FNV-1a over UTF-16 code units, its bits mixed at the end. */
function hash(text: string, basis: number): number {
  let value = basis;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) | 0;
}
