import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { FinishedRequest } from "./request-observer.ts";

/** What is read at each scrape. */
export interface MetricSources {
  readonly storeKind: string;
  readonly version: string;
  streamCount(): number;
  underWayCount(): number;
  bodiesSizeBytes(): number;
  eventsWaiting(): { readonly count: number; readonly sizeBytes: number };
  isReady(): boolean;
}

interface RouteMetrics {
  readonly requests: Counter.Internal;
  readonly durations: Histogram.Internal<"method" | "route">;
}

/** Seconds: from a local decision without a database to a held poll. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Figures of this process for Prometheus. Labels hold routes, methods and statuses, never what clients sent. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"method" | "route">;
  readonly #byRoute = new Map<string, RouteMetrics>();

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "handlebar_http_requests_total",
      help: "Requests answered, by method, route and status",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "handlebar_http_request_duration_seconds",
      help: "Time from a request's arrival to its answer; of streams, to their start",
      labelNames: ["method", "route"],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.#addGauges(sources);
  }

  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

  observe({ method, path, status, durationMs }: FinishedRequest): void {
    const name = `${status} ${method} ${path}`;
    // Finding a metric by its labels costs more than counting: each is looked up once.
    const known = this.#byRoute.get(name) ?? this.#open(name, { method, route: path, status: String(status) });
    known.requests.inc();
    known.durations.observe(durationMs / 1000);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Routes, methods and statuses are few, whatever clients send. */
  #open(
    name: string,
    { method, route, status }: { readonly method: string; readonly route: string; readonly status: string },
  ): RouteMetrics {
    const opened = {
      requests: this.#requests.labels({ method, route, status }),
      durations: this.#durations.labels({ method, route }),
    };
    this.#byRoute.set(name, opened);
    return opened;
  }

  #addGauges(sources: MetricSources): void {
    this.#gauge("handlebar_streams_open", "Event streams that are open", () => sources.streamCount());
    this.#gauge("handlebar_http_requests_under_way", "Requests being answered", () => sources.underWayCount());
    this.#gauge("handlebar_http_bodies_bytes", "Bytes of request bodies in memory", () => sources.bodiesSizeBytes());
    this.#gauge(
      "handlebar_events_waiting",
      "Audit events that wait for their commit",
      () => sources.eventsWaiting().count,
    );
    this.#gauge("handlebar_events_waiting_bytes", "Bytes of them", () => sources.eventsWaiting().sizeBytes);
    this.#gauge("handlebar_ready", "1 where the process is ready to serve", () => (sources.isReady() ? 1 : 0));
    const info = new Gauge({
      name: "handlebar_info",
      help: "Always 1; its labels say what runs",
      labelNames: ["version", "store"],
      registers: [this.#registry],
    });
    info.set({ version: sources.version, store: sources.storeKind }, 1);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
