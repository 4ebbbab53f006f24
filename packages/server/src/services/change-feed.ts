import { CHANGE_PAGE_COUNT, CHANGE_POLL_MS } from "../limits.ts";
import type { ChangeMark, ChangeRecord } from "../storage/changes-table.ts";
import type { Store } from "../storage/store.ts";
import type { ServerRuntime, ServerTimer } from "./server-runtime.ts";

/** Changes of one workspace, as this process learnt of them. */
export interface ChangeBatch {
  readonly workspaceId: string;
  /** Where the workspace stands after them. */
  readonly mark: ChangeMark;
  /** Oldest first. */
  readonly changes: readonly ChangeRecord[];
  /** False when some changes are no longer known: anything may have changed. */
  readonly isComplete: boolean;
}

export type ChangeListener = (batch: ChangeBatch) => void;

/**
 * Tells this process what changed in the control plane, whoever changed it: at once where the store gives a hint, within a second
 * where a hint was lost.
 */
export interface ChangeFeed {
  /** Reads where every workspace stands and begins to watch. @throws HandlebarError `HB_STORE_UNAVAILABLE`. */
  start(): Promise<void>;
  /** Told of every batch, in order. @returns a function that ends it. */
  onChanges(listener: ChangeListener): () => void;
  /** Resolves when everything that was committed before the call was told. */
  refresh(workspaceId: string): Promise<void>;
  /** As `refresh`, for whoever has just written: what failed is tried again within a second, and the write stands. */
  settle(workspaceId: string): Promise<void>;
  stop(): void;
}

export interface ChangeFeedDeps {
  readonly store: Pick<Store, "changes">;
  readonly runtime: ServerRuntime;
  /** Told of what failed; the feed goes on and tries again within a second. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export function createChangeFeed(deps: ChangeFeedDeps): ChangeFeed {
  return new Feed(deps);
}

interface Pull {
  readonly running: Promise<void>;
  /** The pull after it, for whoever asked while it ran: it may have read before their change. */
  next: Promise<void> | undefined;
}

class Feed implements ChangeFeed {
  readonly #store: Pick<Store, "changes">;
  readonly #runtime: ServerRuntime;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<ChangeListener>();
  /** One entry per workspace. */
  readonly #seen = new Map<string, number>();
  readonly #pulls = new Map<string, Pull>();
  #timer: ServerTimer | undefined;
  #unlisten: (() => void) | undefined;
  #isStopped = false;

  constructor({ store, runtime, onError }: ChangeFeedDeps) {
    this.#store = store;
    this.#runtime = runtime;
    this.#onError = onError ?? (() => undefined);
  }

  async start(): Promise<void> {
    // Listening comes first, so that no change falls between the reading and the hints.
    this.#unlisten = this.#store.changes.listen((workspaceId) => this.#pullSoon(workspaceId));
    for (const mark of await this.#store.changes.marks()) this.#seen.set(mark.workspaceId, mark.seq);
    this.#pollLater();
  }

  onChanges(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  refresh(workspaceId: string): Promise<void> {
    const pull = this.#pulls.get(workspaceId);
    if (pull === undefined) return this.#begin(workspaceId);
    pull.next ??= pull.running.catch(() => undefined).then(() => this.#begin(workspaceId));
    return pull.next;
  }

  settle(workspaceId: string): Promise<void> {
    return this.refresh(workspaceId).catch(this.#onError);
  }

  stop(): void {
    this.#isStopped = true;
    this.#unlisten?.();
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #begin(workspaceId: string): Promise<void> {
    const running = this.#pull(workspaceId).finally(() => {
      if (this.#pulls.get(workspaceId)?.running === running) this.#pulls.delete(workspaceId);
    });
    this.#pulls.set(workspaceId, { running, next: undefined });
    return running;
  }

  #pullSoon(workspaceId: string): void {
    if (!this.#isStopped) this.refresh(workspaceId).catch(this.#onError);
  }

  #pollLater(): void {
    if (this.#isStopped) return;
    this.#timer = this.#runtime.after(CHANGE_POLL_MS, () => {
      this.#poll()
        .catch(this.#onError)
        .finally(() => this.#pollLater());
    });
  }

  async #poll(): Promise<void> {
    for (const { workspaceId, seq } of await this.#store.changes.marks()) {
      if (seq !== (this.#seen.get(workspaceId) ?? 0)) this.#pullSoon(workspaceId);
    }
  }

  async #pull(workspaceId: string): Promise<void> {
    for (;;) {
      const seen = this.#seen.get(workspaceId) ?? 0;
      const changes = await this.#store.changes.since(workspaceId, seen, CHANGE_PAGE_COUNT);
      if (this.#isStopped) return;
      const last = changes.at(-1);
      if (last === undefined || changes[0]?.seq !== seen + 1) {
        await this.#catchUp(workspaceId, seen);
        return;
      }
      this.#seen.set(workspaceId, last.seq);
      this.#tell({ workspaceId, mark: last, changes, isComplete: true });
      if (changes.length < CHANGE_PAGE_COUNT) return;
    }
  }

  /** Changes between what was seen and what is left of the log are gone, or a restored database went back. */
  async #catchUp(workspaceId: string, seen: number): Promise<void> {
    const mark = await this.#store.changes.mark(workspaceId);
    if (this.#isStopped || mark.seq === seen) return;
    this.#seen.set(workspaceId, mark.seq);
    this.#tell({ workspaceId, mark, changes: [], isComplete: false });
  }

  #tell(batch: ChangeBatch): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(batch);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
