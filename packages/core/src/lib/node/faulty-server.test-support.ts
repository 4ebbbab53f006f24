import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import type { AuditEvent, IngestResult } from "@handlebar/protocol";

/** What a real server does with one request; `commit` takes its events into the store and answers as a control plane does. */
export type Behaviour = (exchange: Exchange) => void;

export interface Exchange {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly events: readonly AuditEvent[];
  readonly isCompressed: boolean;
  readonly commit: () => string;
}

/** An ingest endpoint on a socket that can be made ill, with a store that keeps each event once. */
export class FaultyServer {
  readonly store = new Map<string, AuditEvent>();
  /** Events that came again. */
  duplicateCount = 0;
  requestCount = 0;
  compressedCount = 0;
  behaviour: Behaviour = healthy;
  readonly #arrivals = new EventEmitter();
  #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    // A server that listens on a port has an address of this form.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** From now on connections are refused, until `listen`. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Resolves when so many requests have begun to arrive. */
  async requested(count: number): Promise<void> {
    while (this.requestCount < count) await once(this.#arrivals, "request");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requestCount++;
    this.#arrivals.emit("request");
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const body = Buffer.concat(chunks);
      const isCompressed = request.headers["content-encoding"] === "gzip";
      if (isCompressed) this.compressedCount++;
      const { events } = JSON.parse((isCompressed ? gunzipSync(body) : body).toString());
      this.behaviour({ response, socket: request.socket, events, isCompressed, commit: () => this.#commit(events) });
    } catch {
      // The client has gone in the middle of its request.
      response.destroy();
    }
  }

  #commit(events: readonly AuditEvent[]): string {
    const results: IngestResult[] = [];
    for (const event of events) {
      if (this.store.has(event.eventId)) results.push({ eventId: event.eventId, status: "duplicate" });
      else this.store.set(event.eventId, event);
    }
    this.duplicateCount += results.length;
    return JSON.stringify({ accepted: events.length - results.length, results });
  }
}

export const healthy: Behaviour = ({ response, commit }) => {
  response.setHeader("content-type", "application/json").end(commit());
};

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  ({ response }) => {
    response.writeHead(code, headers).end();
  };

export const hang: Behaviour = () => undefined;

export const commitAndHang: Behaviour = ({ commit }) => {
  commit();
};

export const resetRequest: Behaviour = ({ socket }) => {
  socket.resetAndDestroy();
};

/** The answer starts and the connection breaks in the middle of it, after the events were taken. */
export const resetAnswer: Behaviour = ({ response, socket, commit }) => {
  const body = commit();
  response.writeHead(200, { "content-length": String(body.length + 100) });
  response.write(body.slice(0, 5), () => socket.resetAndDestroy());
};

/** One byte, and then nothing for ever. */
export const drip: Behaviour = ({ response, commit }) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write(commit().slice(0, 1));
};

export const garbage: Behaviour = ({ response }) => {
  response.setHeader("content-type", "text/html").end("<html><body>Sign in to the network</body></html>");
};

/** Endless: the client must stop reading by itself. */
export const endlessAnswer: Behaviour = ({ response }) => {
  response.writeHead(200, { "content-type": "application/json" });
  const more = (): void => {
    while (!response.destroyed && response.write("x".repeat(65_536)));
  };
  response.on("drain", more);
  more();
};

export const poisonedBy =
  (eventId: string): Behaviour =>
  (exchange) => {
    const refuse = exchange.events.some((event) => event.eventId === eventId);
    (refuse ? status(400) : healthy)(exchange);
  };
