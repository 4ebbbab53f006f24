import type { Lockdown, Policy } from "@handlebar/protocol";
import { CHANGE_POLL_MS, SNAPSHOT_COUNT_MAX, SNAPSHOT_READ_COUNT_MAX } from "../limits.ts";
import type { ChangeKind, ChangeMark } from "../storage/changes-table.ts";
import type { Store } from "../storage/store.ts";
import type { ChangeBatch, ChangeFeed } from "./change-feed.ts";
import { toRunnable } from "./policy-form.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { WorkspaceSnapshot } from "./workspace-snapshot.ts";

/** A newer revision of a workspace, and what led to it. */
export interface SnapshotChange {
  readonly snapshot: WorkspaceSnapshot;
  /** Only stop orders changed since the one before. */
  readonly isOnlyLockdowns: boolean;
  /** Slugs of agents that changed; `undefined` when it is not known which. */
  readonly agents: readonly string[] | undefined;
}

/** What is in force in each workspace, kept current by the change feed. */
export interface WorkspaceStates {
  /** As this process knows it: at most about a second old, and never older than what it told before. */
  get(workspaceId: string): Promise<WorkspaceSnapshot>;
  /** Holds everything that was committed before the call. */
  fresh(workspaceId: string): Promise<WorkspaceSnapshot>;
  /** The newest snapshot at hand, without waiting. */
  peek(workspaceId: string): WorkspaceSnapshot | undefined;
  /** The newest revision that this process knows of. */
  revision(workspaceId: string): number | undefined;
  /** Resolves at a revision beyond `revision`, after `waitMs` or when `signal` fires, with what is in force then. */
  next(
    workspaceId: string,
    revision: number,
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<WorkspaceSnapshot>;
  /** Keeps a workspace current, so that its changes are told. @returns a function to call once, which lets go of it. */
  watch(workspaceId: string): () => void;
  /** Told of every newer snapshot of the workspaces that are watched. @returns a function that ends it. */
  onChange(listener: (change: SnapshotChange) => void): () => void;
}

export interface WorkspaceStatesDeps {
  readonly store: Pick<Store, "changes" | "policies" | "lockdowns">;
  readonly runtime: ServerRuntime;
  readonly feed: Pick<ChangeFeed, "onChanges" | "refresh">;
  /** Told of what failed; it is tried again with the next change or request. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export function createWorkspaceStates(deps: WorkspaceStatesDeps): WorkspaceStates {
  return new States(deps);
}

/** What changed since the snapshot was read. */
interface Dirt {
  readonly kinds: Set<ChangeKind>;
  readonly agents: Set<string>;
  /** Where the workspace stood after these changes; `undefined` when not all of them are known. */
  revision: number | undefined;
}

interface Entry {
  snapshot: WorkspaceSnapshot | undefined;
  loading: Promise<void> | undefined;
  dirt: Dirt | undefined;
  /** The newest revision that was told or read. */
  revision: number | undefined;
  /** Policies made runnable, by version and id, so that a change makes only what changed. */
  runnable: ReadonlyMap<string, Policy>;
  /** Requests that are held until there is another revision. */
  readonly waiting: Set<(snapshot: WorkspaceSnapshot) => void>;
  watcherCount: number;
}

class States implements WorkspaceStates {
  readonly #deps: WorkspaceStatesDeps;
  /** The one used last stands last. */
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(change: SnapshotChange) => void>();

  constructor(deps: WorkspaceStatesDeps) {
    this.#deps = deps;
    deps.feed.onChanges((batch) => this.#onChanges(batch));
  }

  async get(workspaceId: string): Promise<WorkspaceSnapshot> {
    const entry = this.#entry(workspaceId);
    // What is being read now may lack what was told since it began: the reading after it has that.
    for (let count = 1; isBehind(entry); count++) {
      await this.#load(workspaceId, entry);
      if (count >= SNAPSHOT_READ_COUNT_MAX && entry.snapshot !== undefined) break;
    }
    return entry.snapshot ?? this.get(workspaceId);
  }

  async fresh(workspaceId: string): Promise<WorkspaceSnapshot> {
    await this.#deps.feed.refresh(workspaceId);
    return this.get(workspaceId);
  }

  peek(workspaceId: string): WorkspaceSnapshot | undefined {
    return this.#entries.get(workspaceId)?.snapshot;
  }

  revision(workspaceId: string): number | undefined {
    return this.#entries.get(workspaceId)?.revision;
  }

  async next(
    workspaceId: string,
    revision: number,
    { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<WorkspaceSnapshot> {
    const known = await this.get(workspaceId);
    if (known.revision > revision || waitMs <= 0 || signal.aborted) return known;
    const { waiting } = this.#entry(workspaceId);
    return new Promise((resolve) => {
      const done = (snapshot: WorkspaceSnapshot): void => {
        timer.cancel();
        signal.removeEventListener("abort", leave);
        waiting.delete(wake);
        resolve(snapshot);
      };
      const wake = (snapshot: WorkspaceSnapshot): void => {
        if (snapshot.revision > revision) done(snapshot);
      };
      const leave = (): void => done(this.peek(workspaceId) ?? known);
      const timer = this.#deps.runtime.after(waitMs, leave);
      signal.addEventListener("abort", leave);
      waiting.add(wake);
    });
  }

  watch(workspaceId: string): () => void {
    const entry = this.#entry(workspaceId);
    entry.watcherCount++;
    return () => {
      entry.watcherCount--;
    };
  }

  onChange(listener: (change: SnapshotChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #entry(workspaceId: string): Entry {
    const known = this.#entries.get(workspaceId);
    const entry = known ?? {
      snapshot: undefined,
      loading: undefined,
      dirt: undefined,
      revision: undefined,
      runnable: new Map<string, Policy>(),
      waiting: new Set<(snapshot: WorkspaceSnapshot) => void>(),
      watcherCount: 0,
    };
    this.#entries.delete(workspaceId);
    this.#entries.set(workspaceId, entry);
    if (known === undefined) this.#forgetOldest();
    return entry;
  }

  #forgetOldest(): void {
    if (this.#entries.size <= SNAPSHOT_COUNT_MAX) return;
    for (const [workspaceId, entry] of this.#entries) {
      if (entry.loading !== undefined || isWatched(entry)) continue;
      this.#entries.delete(workspaceId);
      return;
    }
  }

  #onChanges({ workspaceId, mark, changes, isComplete }: ChangeBatch): void {
    const entry = this.#entries.get(workspaceId);
    if (entry === undefined || (isComplete && mark.revision === entry.revision)) return;
    const dirt = entry.dirt ?? { kinds: new Set(), agents: new Set(), revision: mark.revision };
    entry.dirt = dirt;
    entry.revision = mark.revision;
    dirt.revision = isComplete && dirt.revision !== undefined ? mark.revision : undefined;
    for (const { kind, ref } of changes) {
      dirt.kinds.add(kind);
      if (kind === "agents") dirt.agents.add(ref);
    }
    this.#loadIfWatched(workspaceId, entry);
  }

  #loadIfWatched(workspaceId: string, entry: Entry): void {
    if (entry.dirt === undefined || !isWatched(entry)) return;
    this.#load(workspaceId, entry).catch((error: unknown) => this.#deps.onError?.(error));
  }

  #load(workspaceId: string, entry: Entry): Promise<void> {
    entry.loading ??= this.#loadOnce(workspaceId, entry).then(
      () => {
        entry.loading = undefined;
        this.#loadIfWatched(workspaceId, entry);
      },
      (error: unknown) => {
        entry.loading = undefined;
        this.#deps.runtime.after(CHANGE_POLL_MS, () => this.#loadIfWatched(workspaceId, entry));
        throw error;
      },
    );
    return entry.loading;
  }

  async #loadOnce(workspaceId: string, entry: Entry): Promise<void> {
    const { dirt, snapshot: before } = entry;
    entry.dirt = undefined;
    const isRead = before !== undefined && dirt?.revision !== undefined && dirt.revision <= before.revision;
    if (isRead) return;
    try {
      const snapshot = await this.#read(workspaceId, entry, dirt);
      entry.snapshot = snapshot;
      if (entry.dirt === undefined) entry.revision = snapshot.revision;
      if (before !== undefined) this.#tell(entry, before, { snapshot, dirt });
    } catch (error) {
      const changed: Dirt = entry.dirt ?? { kinds: new Set(), agents: new Set(), revision: undefined };
      entry.dirt = { ...changed, revision: undefined };
      throw error;
    }
  }

  #tell(
    entry: Entry,
    before: WorkspaceSnapshot,
    { snapshot, dirt }: { readonly snapshot: WorkspaceSnapshot; readonly dirt: Dirt | undefined },
  ): void {
    for (const wake of [...entry.waiting]) wake(snapshot);
    const agents = dirt?.revision === snapshot.revision ? [...dirt.agents] : undefined;
    const isOnlyLockdowns = snapshot.policies === before.policies && agents?.length === 0;
    for (const listener of [...this.#listeners]) listener({ snapshot, isOnlyLockdowns, agents });
  }

  async #read(workspaceId: string, entry: Entry, dirt: Dirt | undefined): Promise<WorkspaceSnapshot> {
    const { changes } = this.#deps.store;
    const { snapshot } = entry;
    let mark = await changes.mark(workspaceId);
    for (let count = 1; ; count++) {
      // Changes beyond what the feed told are of a kind that is not known yet.
      const isKnown = dirt?.revision === mark.revision && !dirt.kinds.has("policies");
      const next =
        isKnown && snapshot !== undefined
          ? snapshot.withLockdowns(mark.revision, await this.#lockdowns(workspaceId))
          : await this.#readWhole(entry, mark);
      const after = await changes.mark(workspaceId);
      if (after.revision === mark.revision || count >= SNAPSHOT_READ_COUNT_MAX) return next;
      mark = after;
    }
  }

  async #readWhole(entry: Entry, { workspaceId, revision }: ChangeMark): Promise<WorkspaceSnapshot> {
    const records = await this.#deps.store.policies.list(workspaceId);
    const runnable = new Map<string, Policy>();
    for (const { policyId, version, policy } of records) {
      const key = `${version} ${policyId}`;
      runnable.set(key, entry.runnable.get(key) ?? toRunnable(policy));
    }
    entry.runnable = runnable;
    const lockdowns = await this.#lockdowns(workspaceId);
    return new WorkspaceSnapshot({ workspaceId, revision, policies: [...runnable.values()], lockdowns });
  }

  async #lockdowns(workspaceId: string): Promise<readonly Lockdown[]> {
    const records = await this.#deps.store.lockdowns.inForce(workspaceId, this.#deps.runtime.nowMs());
    return records.map(({ lockdown }) => lockdown);
  }
}

function isWatched({ waiting, watcherCount }: Entry): boolean {
  return waiting.size > 0 || watcherCount > 0;
}

/** Something changed that the snapshot does not have, or may not have. */
function isBehind({ snapshot, dirt, loading }: Entry): boolean {
  return snapshot === undefined || dirt !== undefined || loading !== undefined;
}
