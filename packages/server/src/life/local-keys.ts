import type { CreatedKey, Scope } from "@handlebar/protocol";
import { KeysService } from "../services/keys-service.ts";
import type { ServerLog } from "../services/server-log.ts";
import type { ServerConfig } from "./config.ts";
import { FIRST_WORKSPACE } from "./first-key.ts";
import { openStore } from "./open-store.ts";
import { processRuntime } from "./process-runtime.ts";

export interface LocalKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Made where it does not exist. Default: the workspace that a new store starts with. */
  readonly workspaceId?: string | undefined;
}

/**
 * Makes an API key in the store itself, for whoever may open that: when every key is lost, and for further workspaces.
 * @throws HandlebarError `HB_STORE_LOCKED` while a server uses the folder, and what `openStore` throws.
 */
export async function issueLocalKey(
  config: ServerConfig,
  { name, scopes, workspaceId = FIRST_WORKSPACE }: LocalKey,
  log: ServerLog,
): Promise<CreatedKey> {
  const store = await openStore(config, log);
  const runtime = processRuntime();
  try {
    await store.workspaces.create({ workspaceId, name: workspaceId, createdAtMs: runtime.nowMs() });
    return await new KeysService({ store, runtime }).issue({ workspaceId, name, scopes });
  } finally {
    await store.close();
  }
}
