import type { Migration } from "./migration.ts";
import type { FileSystemType } from "./sqlite-folder.ts";

export interface SqliteFileOptions {
  readonly durability?: "full" | "normal" | undefined;
  readonly nowMs?: (() => number) | undefined;
  readonly fileSystemType?: FileSystemType | undefined;
  readonly migrations?: readonly Migration[] | undefined;
}
