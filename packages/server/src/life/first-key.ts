import { parseApiKey } from "../services/api-key-text.ts";
import type { KeysService } from "../services/keys-service.ts";
import type { ServerRuntime } from "../services/server-runtime.ts";
import type { Store } from "../storage/store.ts";

/** The workspace that a new store starts with. */
export const FIRST_WORKSPACE = "default";

/** Long enough for a slow database, short enough for a second process to start after the first one died here. */
const LEASE_MS = 10_000;
const RETRY_MS = 200;

export interface FirstKeyDeps {
  readonly store: Store;
  readonly keys: KeysService;
  readonly runtime: ServerRuntime;
  /** The key's text, where the operator gives it. */
  readonly given?: string | undefined;
}

/**
 * Makes a new store's first workspace and its first key, which may everything. Of several processes that start at once, one does it.
 * @returns the key's text, the one time that it is known; `undefined` where there were keys already.
 */
export async function ensureFirstKey({ store, keys, runtime, given }: FirstKeyDeps): Promise<string | undefined> {
  if (await hasKey(store)) return undefined;
  const holder = runtime.newId();
  while (!(await store.jobs.tryLease("first-key", holder, LEASE_MS))) {
    await new Promise<void>((resolve) => runtime.after(RETRY_MS, resolve));
  }
  try {
    if (await hasKey(store)) return undefined;
    await store.workspaces.create({
      workspaceId: FIRST_WORKSPACE,
      name: FIRST_WORKSPACE,
      createdAtMs: runtime.nowMs(),
    });
    const made = await keys.issue(
      { workspaceId: FIRST_WORKSPACE, name: "first key", scopes: ["admin"] },
      given === undefined ? undefined : parseApiKey(given),
    );
    return made.secret;
  } finally {
    await store.jobs.release("first-key", holder);
  }
}

async function hasKey(store: Store): Promise<boolean> {
  for (const { workspaceId } of await store.workspaces.list()) {
    if ((await store.keys.list(workspaceId)).length > 0) return true;
  }
  return false;
}
