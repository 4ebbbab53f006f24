/** Stands in the place of what could not be looked through. */
export const UNSCANNED = "[redacted:unscanned]";

/** Stands in the place of a whole value. */
export const REDACTED = "[redacted]";

/** What redacting gave. */
export interface RedactionResult<T> {
  /** Shares with the input whatever did not change; the input itself where nothing did. */
  readonly value: T;
  /** How many findings of each detector, and under `path` how many whole values, were taken out. */
  readonly counts: Readonly<Record<string, number>>;
  /** Something could not be looked through: it was replaced as a whole, or is an object whose content is out of sight. */
  readonly exceeded: boolean;
}

/** Options of `redactValue` and `redactMessages`. */
export interface RedactOptions {
  /** Makes the digest of `method: "hash"`, at least 8 hexadecimal digits; without it, or when it throws, the method masks. */
  readonly hash?: ((text: string) => string) | undefined;
}

/** How often each detector, or `path`, took something out. */
export class Counts {
  readonly counts: Record<string, number> = {};

  add(id: string, count: number = 1): void {
    this.counts[id] = (this.counts[id] ?? 0) + count;
  }

  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [id, count] of Object.entries(counts)) this.add(id, count);
  }
}
