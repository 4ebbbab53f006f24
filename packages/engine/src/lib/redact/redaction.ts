import type { DetectorId, Redaction } from "@handlebar/protocol";

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
  /** Something could not be looked through and was replaced as a whole. */
  readonly exceeded: boolean;
}

export interface RedactOptions {
  /** Makes the digest of `method: "hash"`; without it the method masks. */
  readonly hash?: ((text: string) => string) | undefined;
}

const HASH_LENGTH = 16;

/** One redaction at work: what to write for a finding or a whole value, and how many of each there were. */
export class Redactor {
  readonly #redaction: Redaction;
  readonly #hash: ((text: string) => string) | undefined;
  readonly counts: Record<string, number>;
  exceeded: boolean = false;

  constructor(redaction: Redaction, options: RedactOptions, counts: Record<string, number>) {
    this.#redaction = redaction;
    this.#hash = options.hash;
    this.counts = counts;
  }

  /** What stands in the place of a finding. */
  finding(id: DetectorId, matched: string): string {
    this.counts[id] = (this.counts[id] ?? 0) + 1;
    return this.#write(matched, `[redacted:${id}]`, "");
  }

  /** What stands in the place of a whole value; `undefined` removes it. */
  whole(value: unknown): unknown {
    if (value === REDACTED || isDigest(value)) return value;
    this.counts["path"] = (this.counts["path"] ?? 0) + 1;
    return this.#write(textOf(value), REDACTED, undefined);
  }

  #write<E>(text: string | undefined, mask: string, empty: E): string | E {
    const { method } = this.#redaction;
    if (method === "remove") return empty;
    if (method !== "hash" || this.#hash === undefined || text === undefined) return mask;
    return `[hash:${this.#hash(text).slice(0, HASH_LENGTH)}]`;
  }
}

function isDigest(value: unknown): boolean {
  return typeof value === "string" && /^\[hash:[0-9a-f]{1,16}\]$/.test(value);
}

/** A value's text for a digest: equal for equal values. */
function textOf(value: unknown): string | undefined {
  try {
    return typeof value === "string" ? value : JSON.stringify(value);
  } catch {
    return undefined;
  }
}
