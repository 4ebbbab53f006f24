import { createRunState, type RunState, restoreRunState, snapshotRunState } from "@handlebar/engine";
import { STATE_ATTEMPT_COUNT_MAX, STATE_COUNT_MAX, STATES_SIZE_BYTES_MAX } from "../limits.ts";
import type { RunStateRecord, RunStatesTable } from "../storage/run-states-table.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export interface StateKey {
  readonly workspaceId: string;
  readonly stateId: string;
}

/** A state while one piece of work has it for itself. */
export interface HeldState {
  readonly state: RunState;
  readonly startedAtMs: number;
  readonly isTerminated: boolean;
  /** Says that `state` was changed, so that it is written. */
  touch(): void;
  /** Marks the run as ended by a decision. */
  terminate(): void;
}

export interface StateBookDeps {
  readonly table: Pick<RunStatesTable, "get" | "version" | "put">;
  /** No other process writes: what is in memory is what is stored. */
  readonly isSoleWriter: boolean;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
  /** What a new state begins with. */
  readonly begin: (key: StateKey, state: RunState) => Promise<{ readonly startedAtMs: number }>;
}

interface Entry {
  readonly key: StateKey;
  /** `undefined` until it was read, and after work on it failed. */
  loaded: Loaded | undefined;
  sizeBytes: number;
  /** Pieces of work that hold it or wait for it. */
  userCount: number;
  /** Ends when the work before has ended. */
  last: Promise<void>;
}

interface Loaded {
  readonly state: RunState;
  readonly startedAtMs: number;
  isTerminated: boolean;
  /** 0 when it is not in the store. */
  version: number;
}

/**
 * Versioned states: each is worked on by one request at a time in this process, and written before that request is answered. Where another
 * process wrote in between, the work is done again on what it wrote.
 */
export class StateBook {
  readonly #deps: StateBookDeps;
  /** The one used last stands last. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;

  constructor(deps: StateBookDeps) {
    this.#deps = deps;
  }

  /**
   * Does `work` alone on a state; resolves when what it changed is durable. `work` may be done several times: what it does beside the state must
   * come to the same when it is done twice.
   */
  async use<T>(key: StateKey, work: (held: HeldState) => Promise<T>): Promise<T> {
    const entry = this.#entry(key);
    entry.userCount += 1;
    const before = entry.last;
    let leave: () => void = () => undefined;
    entry.last = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    try {
      return await this.#attempt(entry, work);
    } catch (error) {
      entry.loaded = undefined;
      throw error;
    } finally {
      entry.userCount -= 1;
      leave();
      this.#forget();
    }
  }

  async #attempt<T>(entry: Entry, work: (held: HeldState) => Promise<T>): Promise<T> {
    for (let count = 1; count <= STATE_ATTEMPT_COUNT_MAX; count++) {
      const isFresh = entry.loaded === undefined;
      const loaded = entry.loaded ?? (await this.#load(entry));
      entry.loaded = loaded;
      let isTouched = false;
      const result = await work({
        state: loaded.state,
        startedAtMs: loaded.startedAtMs,
        isTerminated: loaded.isTerminated,
        touch: () => {
          isTouched = true;
        },
        terminate: () => {
          isTouched ||= !loaded.isTerminated;
          loaded.isTerminated = true;
        },
      });
      const stands = isTouched
        ? await this.#write(entry, loaded)
        : isFresh || (await this.#isCurrent(entry.key, loaded));
      if (stands) return result;
      entry.loaded = undefined;
    }
    throw new ServiceProblem("too-many", "HB_OVERLOADED", {
      message: "too many requests change this run at once; send it again",
      retryAfterSeconds: 1,
    });
  }

  async #load(entry: Entry): Promise<Loaded> {
    const record = await this.#deps.table.get(entry.key.workspaceId, entry.key.stateId);
    this.#resize(entry, record?.snapshotJson.length ?? 0);
    if (record === undefined) {
      const state = createRunState();
      const { startedAtMs } = await this.#deps.begin(entry.key, state);
      return { state, startedAtMs, isTerminated: false, version: 0 };
    }
    const { startedAtMs, isTerminated, version, snapshotJson } = record;
    return { state: restoreRunState(JSON.parse(snapshotJson)), startedAtMs, isTerminated, version };
  }

  async #isCurrent({ workspaceId, stateId }: StateKey, { version }: Loaded): Promise<boolean> {
    if (this.#deps.isSoleWriter) return true;
    return ((await this.#deps.table.version(workspaceId, stateId)) ?? 0) === version;
  }

  async #write(entry: Entry, loaded: Loaded): Promise<boolean> {
    const { workspaceId, stateId } = entry.key;
    const { state, startedAtMs, isTerminated } = loaded;
    const record: RunStateRecord = {
      runId: stateId,
      startedAtMs,
      snapshotJson: JSON.stringify(snapshotRunState(state)),
      isTerminated,
      version: loaded.version + 1,
    };
    const refused = await this.#deps.table.put(workspaceId, [record], this.#deps.runtime.nowMs());
    if (refused.length > 0) return false;
    loaded.version = record.version;
    this.#resize(entry, record.snapshotJson.length);
    return true;
  }

  #resize(entry: Entry, sizeBytes: number): void {
    this.#sizeBytes += sizeBytes - entry.sizeBytes;
    entry.sizeBytes = sizeBytes;
  }

  #entry(key: StateKey): Entry {
    const name = JSON.stringify([key.workspaceId, key.stateId]);
    const known = this.#entries.get(name);
    const entry = known ?? { key, loaded: undefined, sizeBytes: 0, userCount: 0, last: Promise.resolve() };
    if (known !== undefined) this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry;
  }

  #forget(): void {
    if (this.#entries.size <= STATE_COUNT_MAX && this.#sizeBytes <= STATES_SIZE_BYTES_MAX) return;
    for (const [name, entry] of this.#entries) {
      if (entry.userCount > 0) continue;
      this.#entries.delete(name);
      this.#sizeBytes -= entry.sizeBytes;
      if (this.#entries.size <= STATE_COUNT_MAX && this.#sizeBytes <= STATES_SIZE_BYTES_MAX) return;
    }
  }
}
