import { mkdirSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { HandlebarError } from "@handlebar/protocol";
import Database from "better-sqlite3";
import { isBusy, unavailable } from "./sqlite-errors.ts";

/** The store's own file in its folder. */
export const STORE_FILE = "handlebar.sqlite";
const LOCK_FILE = "handlebar.lock";

/** File systems whose locks do not hold between machines, by the number that Linux gives each. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x47504653, "GPFS"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
  [0x65735546, "FUSE"],
]);

/** The number of the file system that a folder lies on; replaced in tests. */
export type FileSystemType = (folder: string) => number;

/** A folder that this process alone uses. */
export interface HeldFolder {
  readonly file: string;
  release(): void;
}

/**
 * Makes the folder and takes it for this process, until it ends, however it does.
 * @throws HandlebarError `HB_STORE_NETWORK_FS`, `HB_STORE_LOCKED`, `HB_STORE_UNAVAILABLE`.
 */
export function holdFolder(folder: string, fileSystemType: FileSystemType = typeOf): HeldFolder {
  makeFolder(folder);
  refuseNetwork(folder, fileSystemType);
  const lock = takeLock(folder);
  return { file: join(folder, STORE_FILE), release: () => void lock.close() };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unavailable(`the store's folder \`${resolve(folder)}\` cannot be made`, cause);
  }
}

function refuseNetwork(folder: string, fileSystemType: FileSystemType): void {
  // Linux gives some of the numbers with a sign.
  const name = NETWORK_FILE_SYSTEMS.get(fileSystemType(folder) >>> 0);
  if (name === undefined && !resolve(folder).startsWith("\\\\")) return;
  throw new HandlebarError(
    "HB_STORE_NETWORK_FS",
    `\`${resolve(folder)}\` lies on a network file system (${name ?? "UNC path"}), where SQLite's locks do not hold; put it on a local disk, or use PostgreSQL`,
  );
}

/** The operating system frees the lock of a process that was killed. */
function takeLock(folder: string): Database.Database {
  const lock = openLock(folder);
  try {
    lock.exec("begin exclusive");
    return lock;
  } catch (cause) {
    lock.close();
    throw isBusy(cause) ? locked(folder, cause) : unavailable(`\`${resolve(folder)}\` cannot be locked`, cause);
  }
}

function openLock(folder: string): Database.Database {
  try {
    return new Database(join(folder, LOCK_FILE), { timeout: 0 });
  } catch (cause) {
    throw unavailable(`\`${resolve(folder)}\` cannot be locked`, cause);
  }
}

function locked(folder: string, cause: unknown): HandlebarError {
  return new HandlebarError(
    "HB_STORE_LOCKED",
    `another process uses the store in \`${resolve(folder)}\`; stop it, or give this one its own folder; for several processes use PostgreSQL`,
    { cause },
  );
}

function typeOf(folder: string): number {
  return Number(statfsSync(folder).type);
}
