import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { compareSpoolNames, parseSpoolName, type SpoolName, type SpoolOwner, spoolFile } from "./spool-name.ts";
import { isAlive } from "./spool-owner.ts";
import { SpoolSegment } from "./spool-segment.ts";

/** Owner may list, read and write; nobody else. */
const DIRECTORY_MODE = 0o700;

/** What other processes have in the directory. */
export interface SpoolScan {
  /** Segments that nobody works on, oldest first. */
  readonly free: readonly SpoolName[];
  readonly sizeBytes: number;
}

/** The files of one scope in a directory. Methods throw what the file system throws. */
export class SpoolDirectory {
  readonly #path: string;
  readonly #scope: string;
  readonly #owner: SpoolOwner;
  #index = 0;

  constructor(path: string, scope: string, owner: SpoolOwner) {
    this.#path = path;
    this.#scope = scope;
    this.#owner = owner;
  }

  /** Makes the directory, and refuses one that another user could change. */
  prepare(): void {
    if (mkdirSync(this.#path, { recursive: true, mode: DIRECTORY_MODE }) !== undefined)
      chmodSync(this.#path, DIRECTORY_MODE);
    const stat = lstatSync(this.#path);
    if (!stat.isDirectory()) throw new Error("the spool's `dir` is not a directory");
    const user = process.getuid?.();
    if (user !== undefined && user !== 0 && stat.uid !== user)
      throw new Error("the spool's `dir` belongs to another user");
  }

  create(nowMs: number): SpoolSegment {
    const name: SpoolName = {
      scope: this.#scope,
      createdMs: Math.max(0, Math.floor(nowMs)),
      writer: this.#owner,
      index: ++this.#index,
      state: "open",
      owner: this.#owner,
    };
    return SpoolSegment.create(this.#pathOf(spoolFile(name)), name);
  }

  scan(): SpoolScan {
    const free: SpoolName[] = [];
    let sizeBytes = 0;
    for (const file of readdirSync(this.#path)) {
      const name = parseSpoolName(file);
      if (name === undefined || name.scope !== this.#scope || name.owner?.token === this.#owner.token) continue;
      const path = this.#pathOf(file);
      const isFree = name.owner === undefined || !isAlive(name.owner, path);
      if (isFree && name.state === "tmp") {
        tolerateAbsence(() => unlinkSync(path));
        continue;
      }
      sizeBytes += tolerateAbsence(() => statSync(path).size) ?? 0;
      if (isFree) free.push(name);
    }
    return { free: free.sort(compareSpoolNames), sizeBytes };
  }

  /** Takes a free segment over; undefined when another process was faster. */
  claim(name: SpoolName): { readonly segment: SpoolSegment; readonly tornCount: number } | undefined {
    const path = this.#pathOf(spoolFile(name, this.#owner));
    const claimed = tolerateAbsence(() => {
      renameSync(this.#pathOf(spoolFile(name, name.state === "claim" ? name.owner : undefined)), path);
      return true;
    });
    return claimed === true ? SpoolSegment.recover(path, name) : undefined;
  }

  /** Leaves a segment for the next process. */
  leave(segment: SpoolSegment): void {
    const { name } = segment;
    segment.leave(
      this.#pathOf(spoolFile({ ...name, writer: this.#owner, index: ++this.#index, state: "tmp" })),
      this.#pathOf(spoolFile({ ...name, state: "jsonl" })),
    );
  }

  #pathOf(file: string): string {
    return join(this.#path, file);
  }
}

/** Other processes remove and rename files at any time. */
function tolerateAbsence<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
