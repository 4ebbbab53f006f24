import { lstatSync, mkdirSync, readFileSync, type Stats } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "../error-text.ts";
import { defaultRuntime, type Runtime } from "../runtime.ts";
import { RateLimitedLog } from "../sinks/rate-limited-log.ts";
import type { CachedState, StateCache, StateScope } from "../state-cache.ts";
import { StateFile } from "./state-file.ts";

/** A larger file is not read: no control plane sends a state of this size. */
const STATE_FILE_SIZE_BYTES_MAX = 67_108_864;
/** Permissions for others than the owner. */
const OTHERS_WRITE = 0o022;

export interface FileStateCacheOptions {
  /** A folder of the program's own, made with mode 0700 when absent; never a shared one such as the system's temporary folder. */
  readonly dir: string;
  readonly runtime?: Runtime | undefined;
}

/**
 * Keeps a client's last good state in a file, so that an agent that starts while the control plane is out of reach has the
 * policies and stop orders that were last in force. Pass it as `stateCache` to `Handlebar.init`.
 *
 * A file is signed with a key made from the API key: one that was changed, cut short, or written for another key, endpoint or agent is
 * left aside, as is a file or folder that somebody else owns or may write. It is written whole or not at all, and survives a power cut
 * once `flush` has resolved. An older state never replaces a newer one of another process. Never throws; what fails is logged.
 */
export function fileStateCache(options: FileStateCacheOptions): StateCache {
  return new FileStateCache(options);
}

/** A state that is not on disk yet. */
interface Waiting {
  readonly file: StateFile;
  readonly state: CachedState;
}

class FileStateCache implements StateCache {
  readonly #dir: string;
  readonly #runtime: Runtime;
  readonly #log: RateLimitedLog;
  /** The newest state of each file that is not on disk yet. */
  readonly #waiting = new Map<string, Waiting>();
  #writing: Promise<void> | undefined;

  constructor({ dir, runtime }: FileStateCacheOptions) {
    this.#dir = dir;
    this.#runtime = runtime ?? defaultRuntime();
    this.#log = new RateLimitedLog(this.#runtime);
  }

  load(scope: StateScope): CachedState | undefined {
    try {
      return this.#read(new StateFile(scope));
    } catch (error) {
      this.#warn(error);
      return undefined;
    }
  }

  save(scope: StateScope, state: CachedState): void {
    const file = new StateFile(scope);
    this.#waiting.set(file.name, { file, state });
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  #read(file: StateFile): CachedState | undefined {
    const path = join(this.#dir, file.name);
    const [folder, found] = [statOf(this.#dir), statOf(path)];
    if (folder === undefined || found === undefined) return undefined;
    if (!isPrivate(folder) || !isPrivate(found) || !found.isFile()) {
      throw new Error(`\`${path}\` or its folder belongs to others or can be written by them; it is left aside`);
    }
    if (found.size > STATE_FILE_SIZE_BYTES_MAX) throw new Error(`\`${path}\` is too large; it is left aside`);
    const state = file.parse(readFileSync(path, "utf8"));
    if (state === undefined) throw new Error(`\`${path}\` is not signed with this API key; it is left aside`);
    return state;
  }

  async #writeAll(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await this.#write(next);
      } catch (error) {
        this.#warn(error);
      }
    }
  }

  #take(): Waiting | undefined {
    const [next] = this.#waiting.values();
    if (next !== undefined) this.#waiting.delete(next.file.name);
    return next;
  }

  async #write({ file, state }: Waiting): Promise<void> {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const known = this.#readQuietly(file);
    if (known !== undefined && isNewer(known, state)) return;
    const path = join(this.#dir, file.name);
    const draft = `${path}.${process.pid}-${this.#runtime.newId()}.tmp`;
    try {
      const handle = await open(draft, "wx", 0o600);
      try {
        await handle.writeFile(file.format(state));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncFolder(this.#dir);
  }

  #readQuietly(file: StateFile): CachedState | undefined {
    try {
      return this.#read(file);
    } catch {
      return undefined;
    }
  }

  #warn(error: unknown): void {
    this.#log.warn("state-cache", `HB_STATE_CACHE_FAILED: the state file cannot be used: ${errorText(error)}`);
  }
}

function isNewer(known: CachedState, state: CachedState): boolean {
  return (known.revision ?? -1) > (state.revision ?? -1) || known.lockdownRevision > state.lockdownRevision;
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Windows has neither owners nor modes of this kind; there the folder's own rights must do. */
function isPrivate(stats: Stats): boolean {
  if (process.getuid === undefined) return true;
  return stats.uid === process.getuid() && (stats.mode & OTHERS_WRITE) === 0;
}

/** A rename is durable once its folder is; not every system lets a folder be opened. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // The file itself is whole either way.
  }
}
