import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { HandlebarError } from "@handlebar/protocol";
import Database from "better-sqlite3";
import { MIGRATIONS } from "./migrations/index.ts";
import { storeError, unavailable } from "./sqlite-errors.ts";
import { checkApplication } from "./sqlite-file.ts";
import { type FileSystemType, holdFolder, STORE_FILE } from "./sqlite-folder.ts";

/**
 * How far revisions and change numbers jump on a restore: clients have seen newer ones than the backup has, and take no older one.
 */
const REVISION_JUMP = 1_000_000;

/** What a backup holds. */
export interface BackupOutcome {
  readonly file: string;
  readonly schemaVersion: number;
  readonly eventCount: number;
}

/**
 * Writes a whole and consistent copy of a store, also while a server uses it.
 * @throws HandlebarError `HB_STORE_UNAVAILABLE` when there is no store, the target exists, or it cannot be written.
 */
export async function backupSqlite(given: { readonly folder: string; readonly to: string }): Promise<BackupOutcome> {
  const source = join(given.folder, STORE_FILE);
  const target = resolve(given.to);
  const partial = `${target}.partial`;
  if (!existsSync(source)) throw unavailable(`there is no store in \`${resolve(given.folder)}\``);
  if (existsSync(target)) throw unavailable(`\`${target}\` exists already, and a backup never overwrites anything`);
  try {
    rmSync(partial, { force: true });
    copyInto(source, partial);
    const outcome = inspect(partial);
    flush(partial);
    renameSync(partial, target);
    flush(dirname(target));
    return { ...outcome, file: target };
  } catch (error) {
    rmSync(partial, { force: true });
    throw storeError(error);
  }
}

/** What a restore did. */
export interface RestoreOutcome extends Omit<BackupOutcome, "file"> {
  /** Where the files that were there before lie now; absent when there were none. */
  readonly keptIn: string | undefined;
}

/**
 * Puts a backup in the place of a store that no server uses. What was there before is kept beside it.
 * @throws HandlebarError `HB_STORE_LOCKED` while a server runs, `HB_STORE_TOO_NEW`, `HB_STORE_UNAVAILABLE` when the backup is not a whole store.
 */
export async function restoreSqlite(given: {
  readonly folder: string;
  readonly from: string;
  readonly fileSystemType?: FileSystemType | undefined;
}): Promise<RestoreOutcome> {
  if (!existsSync(given.from)) throw unavailable(`there is no backup \`${resolve(given.from)}\``);
  const held = holdFolder(given.folder, given.fileSystemType);
  const incoming = `${held.file}.restoring`;
  try {
    rmSync(incoming, { force: true });
    copyFileSync(given.from, incoming);
    const { schemaVersion, eventCount } = inspect(incoming);
    jumpRevisions(incoming);
    flush(incoming);
    const keptIn = putAside(held.file);
    renameSync(incoming, held.file);
    flush(given.folder);
    return { schemaVersion, eventCount, keptIn };
  } catch (error) {
    rmSync(incoming, { force: true });
    throw storeError(error);
  } finally {
    held.release();
  }
}

function copyInto(source: string, target: string): void {
  const db = new Database(source, { fileMustExist: true });
  try {
    checkApplication(db, source);
    db.prepare("vacuum into ?").run(target);
  } finally {
    db.close();
  }
}

/** Reads the whole file, so that a damaged backup is known before anyone needs it. */
function inspect(path: string): Omit<BackupOutcome, "file"> {
  const db = new Database(path, { fileMustExist: true });
  try {
    checkApplication(db, path);
    const health = db.pragma("integrity_check(1)", { simple: true });
    if (health !== "ok") throw unavailable(`\`${path}\` is damaged: ${health}`);
    const schemaVersion = count(db, "select max(version) as n from schema_versions");
    const newest = MIGRATIONS.at(-1)?.version ?? 0;
    if (schemaVersion > newest) throw tooNew(path, schemaVersion, newest);
    return { schemaVersion, eventCount: count(db, "select count(*) as n from events") };
  } finally {
    db.close();
  }
}

function count(db: Database.Database, sql: string): number {
  const row = db.prepare<[], { readonly n: number | null }>(sql).get();
  return row?.n ?? 0;
}

function tooNew(path: string, version: number, newest: number): HandlebarError {
  return new HandlebarError(
    "HB_STORE_TOO_NEW",
    `\`${path}\` has schema version ${version}, and this program knows ${newest} at most; use the version that wrote it, or a later one`,
  );
}

function jumpRevisions(path: string): void {
  const db = new Database(path, { fileMustExist: true });
  try {
    db.prepare("update workspaces set revision = revision + ?, change_seq = change_seq + ?").run(
      REVISION_JUMP,
      REVISION_JUMP,
    );
  } finally {
    db.close();
  }
}

function putAside(file: string): string | undefined {
  const known = [file, `${file}-wal`, `${file}-shm`].filter((path) => existsSync(path));
  if (known.length === 0) return undefined;
  const keptIn = freeName(join(dirname(file), "before-restore"));
  mkdirSync(keptIn, { mode: 0o700 });
  for (const path of known) renameSync(path, join(keptIn, path.slice(dirname(path).length + 1)));
  return keptIn;
}

function freeName(path: string): string {
  for (let n = 1; ; n += 1) if (!existsSync(`${path}-${n}`)) return `${path}-${n}`;
}

/** Makes a file's bytes, or a folder's names, outlast a power cut. */
function flush(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
