import { CLIENT_PRESENCE_COUNT_MAX, CLIENT_SEEN_EVERY_MS } from "../limits.ts";
import type { AgentsTable, ClientRef } from "../storage/agents-table.ts";
import type { ServerRuntime } from "./server-runtime.ts";

interface Presence {
  readonly client: ClientRef;
  /** Streams and held requests that are open. */
  connectionCount: number;
  seenAtMs: number;
  /** The `seenAtMs` that the store has. */
  writtenAtMs: number;
}

/**
 * Which clients this process hears from: those with a stream or a held request are there, and every link request counts. The store
 * learns of it now and then, so that other processes, and this one after a restart, can tell a client that is cut off from one
 * that is idle.
 */
export class ClientPresence {
  readonly #table: Pick<AgentsTable, "touchClients" | "forgetClients">;
  readonly #runtime: Pick<ServerRuntime, "nowMs">;
  readonly #present = new Map<string, Presence>();

  constructor({
    table,
    runtime,
  }: { readonly table: Pick<AgentsTable, "touchClients" | "forgetClients">; readonly runtime: ServerRuntime }) {
    this.#table = table;
    this.#runtime = runtime;
  }

  /** A client's stream or held request is open. @returns a function to call once when it is not any more. */
  connected(client: ClientRef): () => void {
    const presence = this.#heard(client);
    if (presence === undefined) return () => undefined;
    presence.connectionCount += 1;
    return () => {
      presence.connectionCount -= 1;
      presence.seenAtMs = this.#runtime.nowMs();
    };
  }

  /** When this process last heard from a client: now, while it is connected. */
  seenAtMs({ workspaceId, agentId, clientId }: ClientRef): number | undefined {
    const presence = this.#present.get(keyOf({ workspaceId, agentId, clientId }));
    if (presence === undefined) return undefined;
    return presence.connectionCount > 0 ? this.#runtime.nowMs() : presence.seenAtMs;
  }

  /** It said goodbye. What it still has open does not bring it back. */
  forget(client: ClientRef): void {
    this.#present.delete(keyOf(client));
  }

  /** Writes down what the store does not have yet; `all` also what it has nearly right. */
  async flush(all = false): Promise<void> {
    const nowMs = this.#runtime.nowMs();
    const due: Presence[] = [];
    for (const [key, presence] of this.#present) {
      if (presence.connectionCount > 0) presence.seenAtMs = nowMs;
      const lagMs = presence.seenAtMs - presence.writtenAtMs;
      if (lagMs >= CLIENT_SEEN_EVERY_MS || (lagMs > 0 && (all || presence.connectionCount === 0))) due.push(presence);
      else if (presence.connectionCount === 0) this.#present.delete(key);
    }
    if (due.length === 0) return;
    await this.#table.touchClients(
      due.map(({ client }) => client),
      nowMs,
    );
    for (const presence of due) presence.writtenAtMs = Math.max(nowMs, presence.seenAtMs);
    // Who said goodbye meanwhile was written after it was forgotten.
    const gone = due.map(({ client }) => client).filter((client) => !this.#present.has(keyOf(client)));
    for (const client of gone) await this.#table.forgetClients(client.workspaceId, [client]);
  }

  #heard(client: ClientRef): Presence | undefined {
    const key = keyOf(client);
    const known = this.#present.get(key);
    const seenAtMs = this.#runtime.nowMs();
    if (known !== undefined) {
      known.seenAtMs = seenAtMs;
      return known;
    }
    if (this.#present.size >= CLIENT_PRESENCE_COUNT_MAX) return undefined;
    const { workspaceId, agentId, clientId } = client;
    const presence = { client: { workspaceId, agentId, clientId }, connectionCount: 0, seenAtMs, writtenAtMs: 0 };
    this.#present.set(key, presence);
    return presence;
  }
}

function keyOf({ workspaceId, agentId, clientId }: ClientRef): string {
  return `${workspaceId}\n${agentId}\n${clientId}`;
}
