import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTestPostgresStore } from "./postgres-store.test-support.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { Store } from "./store.ts";

/** The workspace that `openTestStore` makes. */
export const TEST_WORKSPACE = "w1";

/** Whether this run of the tests is the one on PostgreSQL. */
export function isPostgresRun(): boolean {
  return process.env["HANDLEBAR_TEST_STORE"] === "postgres";
}

/** An empty embedded store in a folder of its own, with the workspace `w1`; `close` removes the folder too. Durability is `normal`: tests lose no power. Where the tests run on PostgreSQL, a database of its own, whose `folder` is empty. */
export async function openTestStore(
  options: { readonly nowMs?: (() => number) | undefined } = {},
): Promise<Store & { readonly folder: string }> {
  // PostgreSQL's clock is its own.
  if (isPostgresRun() && options.nowMs === undefined) return openInPostgres();
  const folder = await mkdtemp(join(tmpdir(), "handlebar-store-"));
  const store = await openSqliteStore({ folder, durability: "normal", nowMs: options.nowMs });
  await store.workspaces.create({ workspaceId: TEST_WORKSPACE, name: "test", createdAtMs: 0 });
  return {
    ...store,
    folder,
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function openInPostgres(): Promise<Store & { readonly folder: string }> {
  const { store, close } = await openTestPostgresStore();
  return { ...store, folder: "", close };
}
