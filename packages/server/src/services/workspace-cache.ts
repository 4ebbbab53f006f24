import type { ChangeBatch, ChangeFeed } from "./change-feed.ts";

interface Cached<V> {
  readonly values: Map<string, V>;
  /** Grows with every change: what was being read when it came is not kept. */
  generation: number;
}

export interface WorkspaceCacheOptions<V> {
  readonly feed: Pick<ChangeFeed, "onChanges">;
  /** Values of one workspace; past it the one that was read first goes. */
  readonly countMax: number;
  /** Whether a value may be another after these changes. */
  readonly isTouched: (value: V, batch: ChangeBatch) => boolean;
}

/** Values read from the store, kept until a change of the control plane may have touched them. What does not exist is not kept. */
export class WorkspaceCache<V> {
  readonly #options: WorkspaceCacheOptions<V>;
  readonly #workspaces = new Map<string, Cached<V>>();

  constructor(options: WorkspaceCacheOptions<V>) {
    this.#options = options;
    options.feed.onChanges((batch) => this.#onChanges(batch));
  }

  async get(workspaceId: string, key: string, load: () => Promise<V | undefined>): Promise<V | undefined> {
    const cached = this.#workspaces.get(workspaceId) ?? { values: new Map<string, V>(), generation: 0 };
    this.#workspaces.set(workspaceId, cached);
    const known = cached.values.get(key);
    if (known !== undefined) return known;
    const { generation } = cached;
    const value = await load();
    if (value === undefined || cached.generation !== generation) return value;
    const [oldest] = cached.values.keys();
    if (cached.values.size >= this.#options.countMax && oldest !== undefined) cached.values.delete(oldest);
    cached.values.set(key, value);
    return value;
  }

  forget(workspaceId: string, key: string): void {
    this.#workspaces.get(workspaceId)?.values.delete(key);
  }

  #onChanges(batch: ChangeBatch): void {
    const cached = this.#workspaces.get(batch.workspaceId);
    if (cached === undefined) return;
    cached.generation++;
    for (const [key, value] of cached.values) {
      if (!batch.isComplete || this.#options.isTouched(value, batch)) cached.values.delete(key);
    }
  }
}
