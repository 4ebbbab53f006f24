import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { HttpApp } from "../http/http-app.ts";
import { ServerMetrics } from "../http/metrics.ts";
import type { StreamTarget } from "../http/stream-target.ts";
import { systemPages } from "../http/system-pages.ts";
import { createRouteTable } from "../routes/route-table.ts";
import { createServices, type Services } from "../services/services.ts";
import { VERSION } from "../version.ts";
import type { ControlPlaneDeps } from "./control-plane-deps.ts";
import { JobRunner } from "./jobs.ts";
import { OpenResponses } from "./open-responses.ts";
import { Readiness } from "./readiness.ts";
import { serviceJobs, storeJobs } from "./standing-jobs.ts";
import { openWebhookTransport } from "./webhook-transport.ts";

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Proxies keep idle connections for a minute; whoever closes first must be them. */
const SERVER_OPTIONS = {
  keepAliveTimeout: 65_000,
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  noDelay: true,
} as const;

/** A control plane in this process: its services, their HTTP interface, and what must be done from time to time. */
export class ControlPlane {
  readonly services: Services;
  readonly #deps: ControlPlaneDeps;
  readonly #app: HttpApp;
  readonly #jobs: JobRunner;
  readonly #readiness: Readiness;
  readonly #responses = new OpenResponses();
  #server: Server | undefined;
  #stopping: Promise<void> | undefined;

  constructor(deps: ControlPlaneDeps) {
    const { store, runtime, log, rateLimit, retentionDays, observers = [] } = deps;
    this.#deps = deps;
    const { webhookTransport = openWebhookTransport({ allowedNetworks: [] }), publicUrl } = deps;
    this.services = createServices({ store, runtime, log, webhookTransport, publicUrl });
    this.#readiness = new Readiness(deps);
    const metrics = new ServerMetrics({
      storeKind: store.kind,
      version: VERSION,
      streamCount: () => this.#app.streamCount,
      underWayCount: () => this.#app.underWayCount,
      bodiesSizeBytes: () => this.#app.bodiesSizeBytes,
      eventsWaiting: () => store.events.waiting,
      isReady: () => this.#readiness.isReady,
    });
    const routes = createRouteTable(this.services);
    this.#app = new HttpApp({
      routes,
      keys: this.services.keys,
      runtime,
      log,
      rateLimit,
      observers: [(request) => metrics.observe(request), ...observers],
      pages: systemPages({ routes, metrics, readiness: this.#readiness }),
    });
    this.#jobs = new JobRunner({
      jobs: [...storeJobs(store, runtime, { retentionDays }), ...serviceJobs(this.services, this.#app)],
      table: store.jobs,
      runtime,
      log,
    });
    this.services.feed.onChanges(({ changes }) => {
      for (const { kind, ref } of changes) if (kind === "keys") void this.#reviewKey(ref);
    });
  }

  /** Answers a web-standard request, for hosts that bring their own HTTP server. Event streams go to Node's response, where it is given. */
  fetch(request: Request, node?: { readonly outgoing?: StreamTarget }): Response | Promise<Response> {
    return this.#app.fetch(request, node);
  }

  /** Watches for changes and does the standing jobs. Idempotent. */
  async start(): Promise<void> {
    await this.services.start();
    await this.#deps.store.events.prepare(this.#deps.runtime.nowMs());
    this.#jobs.start();
    this.#readiness.started();
  }

  /** Starts, and listens. @returns the address, such as `http://127.0.0.1:4747`. */
  async listen({ host, port }: ListenAddress): Promise<string> {
    await this.start();
    const server = createServer(
      SERVER_OPTIONS,
      // Without HTTP/2 the bindings are those of HTTP/1.
      getRequestListener((request, env) => this.#app.fetch(request, env as HttpBindings)),
    );
    this.#server = server;
    this.#responses.follow(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    // A server that listens on a port has an address of this form.
    const address = server.address() as AddressInfo;
    const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${name}:${address.port}`;
  }

  /** Takes no more requests, ends streams, lets the others finish, writes what waits and closes the store. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { store, runtime, drainTimeoutMs } = this.#deps;
    this.#readiness.stopping();
    const server = this.#server;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    this.#app.stop();
    await Promise.race([
      this.#responses.idle(),
      new Promise<void>((resolve) => {
        runtime.after(drainTimeoutMs, resolve);
      }),
    ]);
    server?.closeAllConnections();
    await closed;
    await this.#jobs.stop();
    await this.services.stop();
    await store.close();
  }

  async #reviewKey(keyId: string): Promise<void> {
    try {
      await this.#app.reviewKeys(keyId);
    } catch (error) {
      this.#deps.log.warn(
        { err: error, keyId },
        "a changed key could not be read; its streams are looked at again shortly",
      );
    }
  }
}
