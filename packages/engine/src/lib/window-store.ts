import { WINDOW_KEY_COUNT_MAX, WINDOW_KEY_LENGTH_MAX } from "./limits.ts";
import { type Aggregate, RollingWindow, type WindowReading, type WindowSnapshot } from "./window.ts";
import { isWindowStoreSnapshot } from "./window-snapshot.ts";

/** Which window: the same `key` with another `windowMs` is another window. */
export interface WindowKey {
  /** At most 1,024 UTF-16 code units. */
  readonly key: string;
  /** Milliseconds; absent counts since the beginning. */
  readonly windowMs?: number | undefined;
}

/** When, in epoch milliseconds, and how much. */
export interface WindowEntry {
  readonly atMs: number;
  readonly amount: number;
}

/** What becomes of a window when a call begins or ends: see `SharedAdd`. */
export interface WindowChange {
  readonly kind: "add" | "reserve" | "settle" | "release";
  readonly amount: number;
}

/** A store as plain JSON. */
export interface WindowStoreSnapshot {
  readonly windows: readonly { readonly key: string; readonly window: WindowSnapshot }[];
  /** `null`: forever. */
  readonly lostUntilMs?: number | null | undefined;
}

/**
 * Rolling windows by key, bounded in number. A window is given up for another key only when it is empty: one that still
 * counts is never forgotten. When all are in use, a new key cannot be counted, and its readings are unknown for as long as
 * what was not counted would have stayed in its window.
 */
export class WindowStore {
  readonly #keyCountMax: number;
  /** By `windowMs`, then by key: joining the two into one text for each look-up costs more than the second look-up. */
  #spans: Map<number | undefined, Map<string, RollingWindow>> | undefined;
  #size = 0;
  /** Readings of keys that were not there all along are unknown until then. */
  #lostUntilMs = Number.NEGATIVE_INFINITY;
  /** No window is empty before then, so that looking for one is of no use. */
  #nextEmptyAtMs = Number.NEGATIVE_INFINITY;

  /** @param options.keyCountMax how many windows there may be; default 10,000. */
  constructor(options: { readonly keyCountMax?: number | undefined } = {}) {
    this.#keyCountMax = options.keyCountMax ?? WINDOW_KEY_COUNT_MAX;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an amount. False when it could not be counted, which makes the key's readings unknown. */
  add(key: WindowKey, atMs: number, amount: number): boolean {
    const window = this.#open(key, atMs);
    if (window !== undefined) return window.add(atMs, amount);
    const leavesAtMs = atMs + (key.windowMs ?? Infinity);
    this.#lostUntilMs = Math.max(this.#lostUntilMs, Number.isNaN(leavesAtMs) ? Infinity : leavesAtMs);
    return false;
  }

  /** Reads an aggregate; `undefined` when it is unknown. */
  read(key: WindowKey, nowMs: number, aggregate: Aggregate): WindowReading {
    const window = this.#find(key);
    if (window !== undefined) return window.read(nowMs, aggregate);
    const isKnown = isUsable(key) && nowMs >= this.#lostUntilMs && this.#hasRoom(nowMs);
    if (!isKnown) return undefined;
    return aggregate === "count" || aggregate === "sum" ? 0 : null;
  }

  /** When the count of `key` will be below `limit`, if nothing happens; `undefined` when that is not known. */
  countBelowAtMs(key: WindowKey, nowMs: number, limit: number): number | undefined {
    return this.#find(key)?.countBelowAtMs(nowMs, limit);
  }

  /**
   * Holds an amount under `id` until it is settled or released; the same `id` again changes nothing. False when there is no
   * room for it: then nothing is held.
   */
  reserve(key: WindowKey, id: string, entry: WindowEntry): boolean {
    if (id.length > WINDOW_KEY_LENGTH_MAX) return false;
    return this.#open(key, entry.atMs)?.reserve(id, entry.amount) ?? false;
  }

  /** Replaces the reservation by what it really was. False, and nothing added, when there is none. */
  settle(key: WindowKey, id: string, entry: WindowEntry): boolean {
    this.#nextEmptyAtMs = Number.NEGATIVE_INFINITY;
    return this.#find(key)?.settle(id, entry.atMs, entry.amount) ?? false;
  }

  /** Gives the reservation up: the call did not happen. False when there is none. */
  release(key: WindowKey, id: string): boolean {
    this.#nextEmptyAtMs = Number.NEGATIVE_INFINITY;
    return this.#find(key)?.release(id) ?? false;
  }

  /**
   * Makes a change under `id`. What cannot be held is added, as is the estimate of a second call of the same id: a window may
   * count too much, never too little.
   */
  apply(key: WindowKey, id: string, { kind, ...entry }: WindowChange & WindowEntry): void {
    if (kind === "release") {
      this.release(key, id);
      return;
    }
    const isHeld =
      (kind === "reserve" && this.#find(key)?.holds(id) !== true && this.reserve(key, id, entry)) ||
      (kind === "settle" && this.settle(key, id, entry));
    if (!isHeld) this.add(key, entry.atMs, entry.amount);
  }

  /** The whole store as plain JSON. */
  snapshot(): WindowStoreSnapshot {
    const windows = [...(this.#spans?.values() ?? [])].flatMap((span) =>
      [...span].map(([key, window]) => ({ key, window: window.snapshot() })),
    );
    if (this.#lostUntilMs === Number.NEGATIVE_INFINITY) return { windows };
    return { windows, lostUntilMs: this.#lostUntilMs === Infinity ? null : this.#lostUntilMs };
  }

  /** The store of a snapshot, which may come from outside; `undefined` when it is none, or has more keys than allowed. */
  static restore(
    snapshot: unknown,
    options: { readonly keyCountMax?: number | undefined } = {},
  ): WindowStore | undefined {
    const store = new WindowStore(options);
    if (!isWindowStoreSnapshot(snapshot) || snapshot.windows.length > store.#keyCountMax) return undefined;
    for (const { key, window } of snapshot.windows) {
      store.#set({ key, windowMs: window.windowMs }, RollingWindow.restore(window));
    }
    if (snapshot.lostUntilMs !== undefined) store.#lostUntilMs = snapshot.lostUntilMs ?? Infinity;
    return store;
  }

  #find(key: WindowKey): RollingWindow | undefined {
    return this.#spans?.get(key.windowMs)?.get(key.key);
  }

  #set(key: WindowKey, window: RollingWindow): void {
    this.#spans ??= new Map();
    let span = this.#spans.get(key.windowMs);
    if (span === undefined) {
      span = new Map();
      this.#spans.set(key.windowMs, span);
    }
    if (!span.has(key.key)) this.#size += 1;
    span.set(key.key, window);
  }

  #open(key: WindowKey, nowMs: number): RollingWindow | undefined {
    const found = this.#find(key);
    if (found !== undefined) return found;
    if (!isUsable(key) || !this.#hasRoom(nowMs)) return undefined;
    const window = new RollingWindow(key.windowMs);
    if (nowMs < this.#lostUntilMs) window.markUnknown(this.#lostUntilMs);
    this.#set(key, window);
    this.#nextEmptyAtMs = Math.min(this.#nextEmptyAtMs, nowMs);
    return window;
  }

  /** Makes room by giving up empty windows, if need be and if there are any. */
  #hasRoom(nowMs: number): boolean {
    if (this.#size < this.#keyCountMax) return true;
    if (nowMs < this.#nextEmptyAtMs) return false;
    this.#nextEmptyAtMs = Infinity;
    for (const [windowMs, span] of this.#spans ?? []) {
      for (const [key, window] of span) {
        const emptyAtMs = window.emptyAtMs();
        if (emptyAtMs > nowMs) this.#nextEmptyAtMs = Math.min(this.#nextEmptyAtMs, emptyAtMs);
        else if (span.delete(key)) this.#size -= 1;
      }
      if (span.size === 0) this.#spans?.delete(windowMs);
    }
    return this.#size < this.#keyCountMax;
  }
}

/** A new, empty store. */
export function createWindowStore(options: { readonly keyCountMax?: number | undefined } = {}): WindowStore {
  return new WindowStore(options);
}

function isUsable(key: WindowKey): boolean {
  if (key.key.length > WINDOW_KEY_LENGTH_MAX) return false;
  return key.windowMs === undefined || (Number.isFinite(key.windowMs) && key.windowMs > 0);
}
