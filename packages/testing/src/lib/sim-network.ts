import type { FetchInit, FetchLike, Runtime } from "@handlebar/core";
import { type FaultPlan, FaultPlans, type MsRange, type NetworkFault } from "./network-fault.ts";
import type { OpenRecord, RecordedRequest } from "./recorded-request.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { exchange, networkError, type OpenBodies } from "./sim-exchange.ts";
import type { SimHandler, SimRequest } from "./sim-http.ts";

export interface SimNetworkOptions {
  readonly clock: Pick<Runtime, "clock" | "timers">;
  readonly random: SeededRandom;
  /** What one way takes. Default 1 to 5 ms. */
  readonly latencyMs?: MsRange | undefined;
  /** Requests kept for `requests`; older ones leave. Default 100,000. */
  readonly recordCountMax?: number | undefined;
}

/** A network in memory: it routes to handlers, takes the clock's time, and fails as planned or by chance, the same for one seed. */
export interface SimNetwork {
  readonly fetch: FetchLike;
  /** Puts a server at an origin such as `https://api.test`; replaces the one before. */
  serve(origin: string, handler: SimHandler): void;
  /** Takes a server away: requests to it fail as refused. */
  remove(origin: string): void;
  /** Plans a fault; what it returns takes it back. */
  addFault(plan: FaultPlan): () => void;
  clearFaults(): void;
  /** Breaks every body that is being streamed. */
  cutStreams(): void;
  /** Leaves every body that is being streamed half open: nothing arrives any more, and no error either. */
  stallStreams(): void;
  readonly openStreamCount: number;
  readonly requests: readonly RecordedRequest[];
}

const RECORD_COUNT_MAX = 100_000;

export function createSimNetwork(options: SimNetworkOptions): SimNetwork {
  return new Network(options);
}

class Network implements SimNetwork {
  readonly fetch: FetchLike;
  readonly #options: SimNetworkOptions;
  readonly #handlers = new Map<string, SimHandler>();
  readonly #plans: FaultPlans;
  readonly #bodies: OpenBodies = new Set();
  readonly #startedMs: number;
  #requests: OpenRecord[] = [];
  #count = 0;

  constructor(options: SimNetworkOptions) {
    this.#options = options;
    this.#plans = new FaultPlans(options.random.fork("faults"));
    this.#startedMs = options.clock.clock.monotonicMs();
    this.fetch = (url, init) => this.#fetch(url, init);
  }

  get requests(): readonly RecordedRequest[] {
    return this.#requests;
  }

  get openStreamCount(): number {
    return this.#bodies.size;
  }

  serve(origin: string, handler: SimHandler): void {
    this.#handlers.set(new URL(origin).origin, handler);
  }

  remove(origin: string): void {
    this.#handlers.delete(new URL(origin).origin);
  }

  addFault(plan: FaultPlan): () => void {
    return this.#plans.add(plan);
  }

  clearFaults(): void {
    this.#plans.clear();
  }

  cutStreams(): void {
    for (const body of this.#bodies) body.fail(networkError("ECONNRESET"));
  }

  stallStreams(): void {
    for (const body of this.#bodies) body.stall();
  }

  async #fetch(url: string, init: FetchInit): Promise<Response> {
    const { clock, random, latencyMs = [1, 5] } = this.#options;
    const parsed = new URL(url);
    const request: SimRequest = {
      method: init.method,
      url,
      path: parsed.pathname,
      query: parsed.searchParams,
      headers: lowerCased(init.headers),
      body: bytesOf(init.body),
      signal: new AbortController().signal,
    };
    const faults = this.#plans.strike(request, this.#elapsedMs());
    const record = this.#record(request, faults);
    return exchange({
      clock,
      random,
      latencyMs,
      request,
      record,
      faults,
      handler: this.#handlers.get(parsed.origin),
      signal: init.signal,
      refusesRedirects: init.redirect !== "manual",
      bodies: this.#bodies,
      elapsedMs: () => this.#elapsedMs(),
    });
  }

  #elapsedMs(): number {
    return this.#options.clock.clock.monotonicMs() - this.#startedMs;
  }

  #record(request: SimRequest, faults: readonly NetworkFault[]): OpenRecord {
    const { method, url, path, headers, body } = request;
    const record: OpenRecord = {
      index: this.#count++,
      atMs: this.#elapsedMs(),
      method,
      url,
      path,
      headers,
      body,
      get text() {
        return new TextDecoder().decode(body);
      },
      faults: faults.map((fault) => fault.kind),
      deliveredCount: 0,
      outcome: "pending",
    };
    this.#requests.push(record);
    const countMax = this.#options.recordCountMax ?? RECORD_COUNT_MAX;
    if (this.#requests.length > countMax * 2) this.#requests = this.#requests.slice(-countMax);
    return record;
  }
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function bytesOf(body: FetchInit["body"]): Uint8Array<ArrayBuffer> {
  return typeof body === "string" ? new TextEncoder().encode(body) : (body ?? new Uint8Array());
}
