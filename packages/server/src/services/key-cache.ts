import { KEY_CACHE_ENTRY_COUNT_MAX, KEY_CACHE_TTL_MS } from "../limits.ts";
import type { KeyRecord, KeysTable } from "../storage/keys-table.ts";
import { type Principal, readScopes } from "./principal.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/** A key at hand. */
export interface CachedKey {
  readonly record: KeyRecord;
  readonly principal: Principal;
}

interface Entry {
  /** `undefined`: nobody knows this key. */
  readonly key: CachedKey | undefined;
  readonly atMs: number;
}

/** Keys that were read, each for some seconds; told of changes, it reads them again at once. */
export class KeyCache {
  readonly #table: KeysTable;
  readonly #runtime: ServerRuntime;
  readonly #entries = new Map<string, Entry>();
  readonly #reads = new Map<string, Promise<CachedKey | undefined>>();
  /** Grows when something is forgotten, so that a read from before is not kept. */
  #generation = 0;

  constructor(table: KeysTable, runtime: ServerRuntime) {
    this.#table = table;
    this.#runtime = runtime;
  }

  /** What is known without asking the database; `unread` where nothing is. */
  peek(keyId: string): CachedKey | undefined | "unread" {
    const entry = this.#entries.get(keyId);
    if (entry === undefined || this.#runtime.monotonicMs() - entry.atMs > KEY_CACHE_TTL_MS) return "unread";
    return entry.key;
  }

  /** Whether this key was there when it was last read, however long ago. */
  wasKnown(keyId: string): boolean {
    return this.#entries.get(keyId)?.key !== undefined;
  }

  /** Reads it from the database; requests that come at the same time share one read. */
  read(keyId: string): Promise<CachedKey | undefined> {
    const running = this.#reads.get(keyId);
    if (running !== undefined) return running;
    const reading = this.#load(keyId).finally(() => this.#reads.delete(keyId));
    this.#reads.set(keyId, reading);
    return reading;
  }

  forget(keyId: string): void {
    this.#generation++;
    this.#entries.delete(keyId);
  }

  forgetAll(): void {
    this.#generation++;
    this.#entries.clear();
  }

  async #load(keyId: string): Promise<CachedKey | undefined> {
    const generation = this.#generation;
    const record = await this.#table.find(keyId);
    const key = record === undefined ? undefined : { record, principal: principalOf(record) };
    if (generation === this.#generation) this.#keep(keyId, key);
    return key;
  }

  #keep(keyId: string, key: CachedKey | undefined): void {
    this.#entries.delete(keyId);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < KEY_CACHE_ENTRY_COUNT_MAX) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(keyId, { key, atMs: this.#runtime.monotonicMs() });
  }
}

function principalOf({ workspaceId, keyId, name, scopes, person }: KeyRecord): Principal {
  const principal = { workspaceId, keyId, keyName: name, scopes: new Set(readScopes(scopes)) };
  return person === undefined ? principal : { ...principal, person };
}
