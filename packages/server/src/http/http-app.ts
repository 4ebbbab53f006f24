import type { IncomingMessage } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { BODIES_SIZE_BYTES_MAX, BODY_SIZE_BYTES_MAX } from "../limits.ts";
import type { Route, RouteAnswer, RouteStream } from "../routes/route.ts";
import type { ServerLog } from "../services/server-log.ts";
import type { ServerRuntime } from "../services/server-runtime.ts";
import type { RateLimit } from "../services/token-buckets.ts";
import { Gate, type KeyReader } from "./authenticate.ts";
import { BodyBudget, type BodyShare } from "./body-budget.ts";
import { serveStream } from "./event-stream.ts";
import { HttpProblem, problemDocument, toHttpProblem } from "./http-problem.ts";
import { OpenCalls } from "./open-calls.ts";
import { idsOfPath, parsePart, readQuery } from "./parse-request.ts";
import { ClientGone, readJsonBody } from "./read-body.ts";
import { RequestCall } from "./request-call.ts";
import type { RequestObserver } from "./request-observer.ts";
import { matchesPath, sortRoutes, toHonoPath } from "./route-paths.ts";
import type { StreamTarget } from "./stream-target.ts";

export interface HttpAppDeps {
  readonly routes: readonly Route[];
  readonly keys: KeyReader;
  readonly runtime: Pick<ServerRuntime, "monotonicMs" | "newId">;
  readonly log: ServerLog;
  /** For each API key. */
  readonly rateLimit: RateLimit;
  readonly observers: readonly RequestObserver[];
  /** Pages that need no key, by path. */
  readonly pages: ReadonlyMap<string, () => Page | Promise<Page>>;
}

/** What a page answers. */
export interface Page {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Env {
  readonly Bindings: { readonly incoming?: IncomingMessage; readonly outgoing?: StreamTarget };
}

type Exchange = Context<Env>;

interface BoundRoute {
  readonly route: Route;
  readonly params: NonNullable<Route["params"]>;
}

const JSON_HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
} as const;
const PROBLEM_HEADERS = { ...JSON_HEADERS, "content-type": "application/problem+json" } as const;

/** Serves a route table over HTTP: who asks, what they send, and every refusal, in one place for all routes. */
export class HttpApp {
  readonly #deps: HttpAppDeps;
  readonly #gate: Gate;
  readonly #budget = new BodyBudget(BODIES_SIZE_BYTES_MAX);
  readonly #calls = new OpenCalls();
  readonly #hono = new Hono<Env>();
  #underWay = 0;
  #streamCount = 0;
  #isStopping = false;

  constructor(deps: HttpAppDeps) {
    this.#deps = deps;
    this.#gate = new Gate(deps.keys, deps.rateLimit, () => deps.runtime.monotonicMs());
    for (const [path, page] of deps.pages) this.#hono.get(path, (exchange) => this.#servePage(exchange, path, page));
    for (const route of sortRoutes(deps.routes)) {
      const bound = { route, params: route.params ?? idsOfPath(route.path) };
      this.#hono.on(route.method, toHonoPath(route.path), (exchange) => this.#serve(exchange, bound));
    }
    this.#hono.notFound((exchange) => this.#serveUnmatched(exchange));
  }

  /** A web-standard handler; under Node's server the second argument carries the raw request and response. */
  readonly fetch = (request: Request, env?: Env["Bindings"]): Response | Promise<Response> =>
    this.#hono.fetch(request, env ?? {});

  /** Open event streams. */
  get streamCount(): number {
    return this.#streamCount;
  }

  /** Requests that are being answered. */
  get underWayCount(): number {
    return this.#underWay;
  }

  /** Bytes of bodies in memory. */
  get bodiesSizeBytes(): number {
    return this.#budget.sizeBytes;
  }

  /** Refuses what comes from now on, ends streams, and answers held polls; other requests under way go on. */
  stop(): void {
    this.#isStopping = true;
    this.#calls.stop();
  }

  /** Ends the streams and held polls of a key that works no more; without `keyId`, of all such keys. */
  async reviewKeys(keyId?: string): Promise<void> {
    const keyIds = this.#calls.keyIds();
    for (const id of keyId === undefined ? keyIds : keyIds.has(keyId) ? [keyId] : []) {
      if (!(await this.#deps.keys.isWorking(id))) this.#calls.endOf(id);
    }
  }

  async #serve(exchange: Exchange, { route, params }: BoundRoute): Promise<Response> {
    const startedMs = this.#deps.runtime.monotonicMs();
    const share = this.#budget.open();
    this.#underWay++;
    let call: RequestCall | undefined;
    let response: Response;
    let problem: HttpProblem | undefined;
    try {
      if (this.#isStopping) throw stopping();
      call = await this.#readCall(exchange, { route, params }, share);
      response = this.#respond(exchange, call.principal.keyId, await route.handle(call));
    } catch (error) {
      problem = error instanceof ClientGone ? clientGone() : toHttpProblem(error);
      response = this.#refuse(exchange, problem, error);
      // A stream that had begun was broken off instead.
      if (exchange.env.outgoing?.headersSent === true) response = RESPONSE_ALREADY_SENT;
    } finally {
      call?.release();
      share.release();
      this.#underWay--;
    }
    this.#observe(exchange, { path: route.path, startedMs, response, problem });
    return response;
  }

  async #readCall(exchange: Exchange, { route, params }: BoundRoute, share: BodyShare): Promise<RequestCall> {
    const { raw } = exchange.req;
    const { incoming, outgoing } = exchange.env;
    const principal = await this.#gate.enter(raw.headers.get("authorization"), route);
    const source = { request: raw, outgoing, calls: this.#calls };
    const path = parsePart(params, exchange.req.param(), "path");
    const query =
      route.query === undefined ? undefined : parsePart(route.query, readQuery(exchange.req.queries()), "query");
    if (route.body === undefined) return new RequestCall({ principal, params: path, query, body: undefined }, source);
    const bytes = { headers: raw.headers, source: incoming ?? raw.body };
    const given = await readJsonBody(bytes, route.bodySizeBytesMax ?? BODY_SIZE_BYTES_MAX, share);
    const body = parsePart(route.body, route.upgrade === undefined ? given : route.upgrade(given), "body");
    return new RequestCall({ principal, params: path, query, body }, source);
  }

  #respond(exchange: Exchange, keyId: string, answer: RouteAnswer | RouteStream): Response {
    if ("stream" in answer) return this.#respondWithStream(exchange, keyId, answer);
    const text = answer.json ?? (answer.body === undefined ? null : JSON.stringify(answer.body));
    const headers = answer.headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...answer.headers };
    return new Response(text, { status: answer.status, headers });
  }

  #respondWithStream(exchange: Exchange, keyId: string, answer: RouteStream): Response {
    const { outgoing } = exchange.env;
    if (outgoing === undefined) {
      const message = "streams need Node's HTTP server; use the long poll";
      throw new HttpProblem(501, "HB_METHOD_NOT_ALLOWED", { message });
    }
    if (exchange.req.raw.method === "HEAD") {
      return new Response(null, { headers: { ...JSON_HEADERS, "content-type": "text/event-stream" } });
    }
    this.#streamCount++;
    let release: (() => void) | undefined;
    let isOver = false;
    const end = serveStream(outgoing, answer, () => {
      isOver = true;
      this.#streamCount--;
      release?.();
    });
    if (!isOver) release = this.#calls.add(keyId, end);
    return RESPONSE_ALREADY_SENT;
  }

  #refuse(exchange: Exchange, problem: HttpProblem, error: unknown): Response {
    const given = exchange.req.raw.headers.get("x-request-id") ?? "";
    const requestId = /^[\w.-]{1,64}$/.test(given) ? given : this.#deps.runtime.newId();
    if (problem.status >= 500 && problem.code !== "HB_SERVER_STOPPING") {
      const { method, routePath } = exchange.req;
      this.#deps.log.error({ err: error, requestId, method, path: routePath }, "a request failed");
    }
    const headers = { ...PROBLEM_HEADERS, ...problem.headers, "x-request-id": requestId };
    return new Response(JSON.stringify(problemDocument(problem, requestId)), { status: problem.status, headers });
  }

  async #servePage(exchange: Exchange, path: string, page: () => Page | Promise<Page>): Promise<Response> {
    const startedMs = this.#deps.runtime.monotonicMs();
    let response: Response;
    let problem: HttpProblem | undefined;
    try {
      const { status, text, headers } = await page();
      response = new Response(text, { status, headers: { "x-content-type-options": "nosniff", ...headers } });
    } catch (error) {
      problem = toHttpProblem(error);
      response = this.#refuse(exchange, problem, error);
    }
    this.#observe(exchange, { path, startedMs, response, problem });
    return response;
  }

  #serveUnmatched(exchange: Exchange): Response {
    const startedMs = this.#deps.runtime.monotonicMs();
    const { path } = exchange.req;
    const methods = this.#deps.routes.filter((route) => matchesPath(route.path, path)).map(({ method }) => method);
    if (this.#deps.pages.has(path)) methods.push("GET");
    const problem = methods.length === 0 ? noSuchPath() : noSuchMethod(exchange.req.method, methods);
    const response = this.#refuse(exchange, problem, undefined);
    this.#observe(exchange, { path: "unmatched", startedMs, response, problem });
    return response;
  }

  #observe(
    exchange: Exchange,
    done: {
      readonly path: string;
      readonly startedMs: number;
      readonly response: Response;
      readonly problem: HttpProblem | undefined;
    },
  ): void {
    const { raw } = exchange.req;
    const finished = {
      method: raw.method,
      path: done.path,
      status: done.problem?.status ?? (done.response === RESPONSE_ALREADY_SENT ? 200 : done.response.status),
      durationMs: this.#deps.runtime.monotonicMs() - done.startedMs,
      code: done.problem?.code,
      requestId: done.problem === undefined ? undefined : (done.response.headers.get("x-request-id") ?? undefined),
      headers: raw.headers,
    };
    for (const observe of this.#deps.observers) observe(finished);
  }
}

function stopping(): HttpProblem {
  const headers = { "retry-after": "1", connection: "close" };
  return new HttpProblem(503, "HB_SERVER_STOPPING", { message: "this server is stopping; try again shortly", headers });
}

/** Nobody reads this answer. */
function clientGone(): HttpProblem {
  return new HttpProblem(400, "HB_REQUEST_INVALID", { message: "the request ended before its body did" });
}

function noSuchPath(): HttpProblem {
  return new HttpProblem(404, "HB_NOT_FOUND", { message: "there is no such path; `/openapi.json` lists all" });
}

function noSuchMethod(method: string, methods: readonly string[]): HttpProblem {
  const allow = [...new Set(methods)].join(", ");
  const message = `\`${method.slice(0, 20)}\` is not a method of this path; use ${allow}`;
  return new HttpProblem(405, "HB_METHOD_NOT_ALLOWED", { message, headers: { allow } });
}
