import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { drawMs, type FaultPlan, FaultPlans, type MsRange, type NetworkFault } from "./network-fault.ts";
import { createRandom, type SeededRandom } from "./seeded-random.ts";
import type { SimHandler, SimRequest, SimResponse } from "./sim-http.ts";

export interface ListenOptions {
  /** Default: one that is free. */
  readonly port?: number | undefined;
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Of the faults that strike by chance. Default 1. */
  readonly seed?: number | string | undefined;
}

/** One request that arrived. */
export interface ArrivedRequest {
  /** Milliseconds since the server began. */
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly faults: readonly NetworkFault["kind"][];
}

/** A real HTTP server around a handler, which fails as planned: the faults of the simulated network, on sockets. */
export interface NodeServer {
  /** Such as `http://127.0.0.1:49152`. */
  readonly origin: string;
  readonly port: number;
  /** Plans a fault; times are real. What it returns takes it back. `drop` breaks the connection before the work, `reset` after it. */
  addFault(plan: FaultPlan): () => void;
  clearFaults(): void;
  /** Closes the port and every connection, so that new ones are refused. */
  refuse(): Promise<void>;
  /** Opens the same port again. */
  accept(): Promise<void>;
  /** Requests that arrived, oldest first; at most 100,000. */
  readonly requests: readonly ArrivedRequest[];
  /** Breaks every connection and closes. */
  close(): Promise<void>;
}

/** Starts a server. */
export async function listen(handler: SimHandler, options: ListenOptions = {}): Promise<NodeServer> {
  const server = new FaultyNodeServer(handler, options);
  await server.accept();
  return server;
}

const REQUEST_COUNT_MAX = 100_000;
const PORTAL_PAGE = "<!doctype html><title>Welcome</title><h1>Please sign in to this network</h1>";

class FaultyNodeServer implements NodeServer {
  readonly requests: ArrivedRequest[] = [];
  readonly #handler: SimHandler;
  readonly #host: string;
  readonly #random: SeededRandom;
  readonly #plans: FaultPlans;
  readonly #sockets = new Set<Socket>();
  readonly #startedMs = performance.now();
  #server: Server | undefined;
  #port: number;

  constructor(handler: SimHandler, options: ListenOptions) {
    this.#handler = handler;
    this.#host = options.host ?? "127.0.0.1";
    this.#port = options.port ?? 0;
    this.#random = createRandom(options.seed ?? 1);
    this.#plans = new FaultPlans(this.#random.fork("faults"));
  }

  get port(): number {
    return this.#port;
  }

  get origin(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  addFault(plan: FaultPlan): () => void {
    return this.#plans.add(plan);
  }

  clearFaults(): void {
    this.#plans.clear();
  }

  async accept(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, this.#host, resolve);
    });
    // A server that listens on a port has an address of this form.
    this.#port = (server.address() as AddressInfo).port;
  }

  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  close(): Promise<void> {
    return this.refuse();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController();
    outgoing.on("close", () => gone.abort());
    const request = await readRequest(incoming, gone.signal);
    if (request === undefined) return;
    const elapsedMs = performance.now() - this.#startedMs;
    const faults = this.#plans.strike(request, elapsedMs);
    this.#record(request, faults, elapsedMs);
    for (const fault of faults) if (fault.kind === "delay") await this.#wait(fault.ms);
    const response = await this.#respond(request, faults);
    if (response === "hang") return;
    if (response === "break") incoming.socket.resetAndDestroy();
    else await this.#write(outgoing, response, faults);
  }

  async #respond(request: SimRequest, faults: readonly NetworkFault[]): Promise<SimResponse | "hang" | "break"> {
    if (faults.some(({ kind }) => kind === "drop")) return "break";
    for (const fault of faults) {
      if (fault.kind === "garbage") return { status: 200, headers: { "content-type": "text/html" }, body: PORTAL_PAGE };
      if (fault.kind === "hang" && fault.delivered !== true) return "hang";
      if (fault.kind === "status" && fault.delivered !== true) return statusResponse(fault);
    }
    const response = await this.#ask(request);
    if (faults.some(({ kind }) => kind === "duplicate")) await this.#ask(request);
    if (faults.some(({ kind }) => kind === "reset")) return "break";
    if (faults.some(({ kind }) => kind === "hang")) return "hang";
    const status = faults.find((fault) => fault.kind === "status");
    return status === undefined ? response : statusResponse(status);
  }

  async #ask(request: SimRequest): Promise<SimResponse> {
    try {
      return await this.#handler(request);
    } catch (error) {
      return { status: 500, headers: { "content-type": "text/plain" }, body: String(error) };
    }
  }

  async #write(outgoing: ServerResponse, response: SimResponse, faults: readonly NetworkFault[]): Promise<void> {
    const { status, headers = {}, body } = response;
    outgoing.writeHead(status, { ...headers });
    const cut = faults.find((fault) => fault.kind === "cutBody");
    if (cut?.afterMs !== undefined) {
      void this.#wait(cut.afterMs).then(() => outgoing.socket?.resetAndDestroy());
    }
    if (typeof body === "function") {
      outgoing.flushHeaders();
      const stop = body({
        write: (text) => {
          if (!outgoing.destroyed) outgoing.write(text);
          return !outgoing.destroyed;
        },
        end: () => outgoing.end(),
      });
      outgoing.on("close", stop);
      return;
    }
    const slow = faults.find((fault) => fault.kind === "slowBody");
    const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body ?? []);
    const sent = cut?.afterBytes === undefined ? bytes : bytes.subarray(0, cut.afterBytes);
    if (slow !== undefined || cut?.afterBytes !== undefined) await this.#pieces(outgoing, sent, slow);
    if (cut?.afterBytes !== undefined) outgoing.socket?.resetAndDestroy();
    else outgoing.end(slow === undefined ? sent : undefined);
  }

  async #pieces(
    outgoing: ServerResponse,
    bytes: Buffer,
    slow: Extract<NetworkFault, { readonly kind: "slowBody" }> | undefined,
  ): Promise<void> {
    const size = Math.max(1, Math.ceil(bytes.length / (slow?.pieceCount ?? 1)));
    for (let start = 0; start < bytes.length && !outgoing.destroyed; start += size) {
      if (slow !== undefined) await this.#wait(slow.everyMs);
      await new Promise<void>((resolve) => outgoing.write(bytes.subarray(start, start + size), () => resolve()));
    }
  }

  #wait(range: MsRange): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, drawMs(range, this.#random)).unref());
  }

  #record({ method, path, body }: SimRequest, faults: readonly NetworkFault[], atMs: number): void {
    if (this.requests.length >= REQUEST_COUNT_MAX) this.requests.shift();
    this.requests.push({ atMs, method, path, sizeBytes: body.length, faults: faults.map((fault) => fault.kind) });
  }
}

/** `undefined` when the client went away while it sent. */
async function readRequest(incoming: IncomingMessage, signal: AbortSignal): Promise<SimRequest | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk);
  } catch {
    return undefined;
  }
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "localhost"}`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  return {
    method: incoming.method ?? "GET",
    url: url.href,
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: new Uint8Array(Buffer.concat(chunks)),
    signal,
  };
}

function statusResponse(fault: Extract<NetworkFault, { readonly kind: "status" }>): SimResponse {
  const { status, retryAfter, body = "" } = fault;
  return { status, headers: retryAfter === undefined ? {} : { "retry-after": `${retryAfter}` }, body };
}
