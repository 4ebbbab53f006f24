import { V7Generator } from "uuidv7";

/** A timer that was set; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** Where Handlebar reports what a developer should know. Never called with secrets or raw arguments. */
export interface Logger {
  debug?(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}

/** The part of `fetch` that Handlebar uses. */
export type FetchLike = (url: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
  readonly redirect?: "error" | "follow" | "manual";
}

/**
 * The only door to the outside: everything Handlebar's SDK reads or does that is not a pure function goes through it.
 * A simulation passes its own; `defaultRuntime` wraps the host's globals.
 */
export interface Runtime {
  readonly clock: {
    /** Wall time, epoch milliseconds; may step. For timestamps only. */
    nowMs(): number;
    /** Monotonic milliseconds from an arbitrary origin. For every duration and deadline. */
    monotonicMs(): number;
  };
  readonly timers: {
    /** Runs `callback` once after `delayMs`. The timer never keeps the process alive unless `keepAlive` is true. */
    set(callback: () => void, delayMs: number, options?: { readonly keepAlive?: boolean }): Timer;
  };
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A new UUIDv7, time-ordered. */
  readonly newId: () => string;
  readonly fetch: FetchLike;
  /** Reads one environment variable; `undefined` where the host has no environment. */
  readonly env: (name: string) => string | undefined;
  readonly logger: Logger;
}

interface HostTimer {
  unref?(): void;
}

/** Builds a Runtime over the host's globals; each part can be replaced. Touches nothing until a part is used. */
export function defaultRuntime(overrides: Partial<Runtime> = {}): Runtime {
  return {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    timers: { set: setHostTimer },
    random: () => Math.random(),
    newId: newUuid,
    fetch: (url, init) => globalThis.fetch(url, init),
    env: (name) => globalThis.process?.env?.[name],
    logger: consoleLogger,
    ...overrides,
  };
}

let ids: V7Generator | undefined;

function newUuid(): string {
  ids ??= new V7Generator(typeof crypto === "undefined" ? undefined : pooledRandom());
  return textOf(ids.generate().bytes);
}

/** The library puts a text together from characters, which then takes more memory and time as the key of a map. */
function textOf(uuid: Readonly<Uint8Array>): string {
  const codes: number[] = [];
  for (let at = 0; at < uuid.length; at++) {
    const byte = uuid[at] ?? 0;
    if (at === 4 || at === 6 || at === 8 || at === 10) codes.push(HYPHEN);
    codes.push(HEX_DIGITS.charCodeAt(byte >> 4), HEX_DIGITS.charCodeAt(byte & 15));
  }
  return String.fromCharCode(...codes);
}

const HYPHEN = "-".charCodeAt(0);
const HEX_DIGITS = "0123456789abcdef";

/** Random words of the host's strong source, taken in bulk: asking it for a few at a time takes longer than all the rest. */
function pooledRandom(): { nextUint32(): number } {
  const pool = new Uint32Array(RANDOM_POOL_WORD_COUNT);
  let at = pool.length;
  return {
    nextUint32: () => {
      if (at >= pool.length) {
        crypto.getRandomValues(pool);
        at = 0;
      }
      return pool[at++] ?? 0;
    },
  };
}

const RANDOM_POOL_WORD_COUNT = 256;

function setHostTimer(callback: () => void, delayMs: number, options?: { readonly keepAlive?: boolean }): Timer {
  const handle: unknown = setTimeout(callback, delayMs);
  if (options?.keepAlive !== true && typeof handle === "object" && handle !== null) {
    // Edge runtimes return a number here; Node returns an object that can be told not to hold the process.
    (handle as HostTimer).unref?.();
  }
  return { cancel: () => clearTimeout(handle as number) };
}

const consoleLogger: Logger = {
  warn: (message) => console.warn(`handlebar: ${message}`),
  error: (message) => console.error(`handlebar: ${message}`),
};
