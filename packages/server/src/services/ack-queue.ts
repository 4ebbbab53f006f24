import type { AgentsTable, ClientRecord } from "../storage/agents-table.ts";

interface Waiting {
  readonly clients: Map<string, ClientRecord>;
  readonly written: Promise<void>;
}

/**
 * Acknowledgements on their way into the store. A push makes every client answer within moments: those that come while one transaction
 * runs share the next one.
 */
export class AckQueue {
  readonly #table: Pick<AgentsTable, "acknowledge">;
  readonly #waiting = new Map<string, Waiting>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(table: Pick<AgentsTable, "acknowledge">) {
    this.#table = table;
  }

  /** Resolves when it is durable. */
  add(workspaceId: string, client: ClientRecord): Promise<void> {
    const waiting = this.#waiting.get(workspaceId) ?? this.#begin(workspaceId);
    waiting.clients.set(client.clientId, client);
    return waiting.written;
  }

  #begin(workspaceId: string): Waiting {
    const clients = new Map<string, ClientRecord>();
    const before = this.#writing.get(workspaceId) ?? Promise.resolve();
    const written = before.then(() => this.#write(workspaceId, clients));
    const waiting = { clients, written };
    this.#waiting.set(workspaceId, waiting);
    const settled = written.then(
      () => undefined,
      () => undefined,
    );
    this.#writing.set(workspaceId, settled);
    void settled.then(() => {
      if (this.#writing.get(workspaceId) === settled) this.#writing.delete(workspaceId);
    });
    return waiting;
  }

  #write(workspaceId: string, clients: ReadonlyMap<string, ClientRecord>): Promise<void> {
    this.#waiting.delete(workspaceId);
    return this.#table.acknowledge(workspaceId, [...clients.values()]);
  }
}
