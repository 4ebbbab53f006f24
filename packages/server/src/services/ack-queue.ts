import type { AgentsTable, ClientAck } from "../storage/agents-table.ts";

/** What a client says; `hasLeft` when it is its last word. */
interface Said {
  readonly ack: ClientAck;
  readonly hasLeft: boolean;
}

interface Waiting {
  readonly clients: Map<string, Said>;
  readonly written: Promise<void>;
}

/**
 * Acknowledgements on their way into the store. A push makes every client answer within moments: those that come while one transaction
 * runs share the next one.
 */
export class AckQueue {
  readonly #table: Pick<AgentsTable, "acknowledge" | "forgetClients">;
  readonly #waiting = new Map<string, Waiting>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(table: Pick<AgentsTable, "acknowledge" | "forgetClients">) {
    this.#table = table;
  }

  /** Resolves when it is durable. */
  add(workspaceId: string, said: Said): Promise<void> {
    const waiting = this.#waiting.get(workspaceId) ?? this.#begin(workspaceId);
    waiting.clients.set(`${said.ack.agentId}\n${said.ack.clientId}`, said);
    return waiting.written;
  }

  #begin(workspaceId: string): Waiting {
    const clients = new Map<string, Said>();
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

  async #write(workspaceId: string, clients: ReadonlyMap<string, Said>): Promise<void> {
    this.#waiting.delete(workspaceId);
    const said = [...clients.values()];
    await this.#table.acknowledge(
      workspaceId,
      said.map(({ ack }) => ack),
    );
    const left = said.filter(({ hasLeft }) => hasLeft).map(({ ack }) => ack);
    await this.#table.forgetClients(workspaceId, left);
  }
}
