/** How many requests may come. */
export interface RateLimit {
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket for each name, in the memory of this process; past `entryCountMax` the one known longest is forgotten. */
export class TokenBuckets {
  readonly #limit: RateLimit;
  readonly #entryCountMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit, entryCountMax: number) {
    this.#limit = limit;
    this.#entryCountMax = entryCountMax;
  }

  /** Takes one token: 0 when there was one, else the milliseconds until there is. */
  take(name: string, nowMs: number): number {
    const { perSecond, burst } = this.#limit;
    const bucket = this.#bucketOf(name, nowMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000);
    bucket.tokens -= 1;
    return 0;
  }

  /** Puts a token back that turned out not to count. */
  giveBack(name: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket !== undefined) bucket.tokens = Math.min(this.#limit.burst, bucket.tokens + 1);
  }

  #bucketOf(name: string, nowMs: number): Bucket {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    // Forgetting the oldest entry gives it a full bucket at most: a limit, not a proof.
    if (this.#buckets.size >= this.#entryCountMax) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    const bucket = { tokens: this.#limit.burst, atMs: nowMs };
    this.#buckets.set(name, bucket);
    return bucket;
  }
}
