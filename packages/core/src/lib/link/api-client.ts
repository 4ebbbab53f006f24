import { CLIENT_HEADER, type Problem, problemSchema } from "@handlebar/protocol";
import type * as z from "zod";
import { type Timed, withDeadline } from "../deadline.ts";
import type { Runtime } from "../runtime.ts";
import { discardBody, parseJson, readBounded } from "../sinks/read-answer.ts";
import { parseRetryAfterMs } from "../sinks/retry-delay.ts";
import { SDK } from "../version.ts";
import { Breaker } from "./breaker.ts";

/** Why a request brought no answer. */
export type ApiFailure = {
  readonly ok: false;
  /** `unreachable`: network, time or a server error; `auth`: the key; `rejected`: the request; `bad-answer`: not a control plane. */
  readonly reason: "unreachable" | "auth" | "rejected" | "bad-answer";
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly problem?: Problem | undefined;
};
export type ApiAnswer<T> =
  | { readonly ok: true; readonly status: number; readonly value: T; readonly etag: string | null }
  | ApiFailure;

export interface ApiRequest<T> {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below the endpoint, with ids already encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What the answer must look like; without it any 2xx counts. */
  readonly schema?: z.ZodType<T> | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Requests of one breaker stop together when their route does not answer. */
  readonly breaker?: string | undefined;
}

const ANSWER_SIZE_BYTES_MAX = 16 * 1024 * 1024;

/** One request, one answer, always within its deadline and never thrown. */
export class ApiClient {
  readonly #runtime: Runtime;
  readonly #endpoint: string;
  readonly #apiKey: string;
  readonly #clientId: string;
  readonly #breakers = new Map<string, Breaker>();
  /** Told of every answer that only a control plane gives. */
  onContact: () => void = () => undefined;

  constructor(runtime: Runtime, at: { readonly endpoint: string; readonly apiKey: string; readonly clientId: string }) {
    this.#runtime = runtime;
    this.#endpoint = at.endpoint;
    this.#apiKey = at.apiKey;
    this.#clientId = at.clientId;
  }

  headers(): Record<string, string> {
    return {
      authorization: `Bearer ${this.#apiKey}`,
      "user-agent": `${SDK.name}/${SDK.version}`,
      [CLIENT_HEADER]: this.#clientId,
    };
  }

  url(path: string): string {
    return `${this.#endpoint}${path}`;
  }

  async request<T>(request: ApiRequest<T>): Promise<ApiAnswer<T>> {
    const breaker = this.#breakerOf(request.breaker);
    if (breaker !== undefined && !breaker.tryEnter()) return { ok: false, reason: "unreachable" };
    const answer = await this.#attempt(request);
    if (answer.ok || answer.reason === "rejected") breaker?.succeeded();
    else breaker?.failed();
    if (answer.ok) this.onContact();
    return answer;
  }

  #breakerOf(name: string | undefined): Breaker | undefined {
    if (name === undefined) return undefined;
    const known = this.#breakers.get(name) ?? new Breaker(this.#runtime);
    this.#breakers.set(name, known);
    return known;
  }

  async #attempt<T>(request: ApiRequest<T>): Promise<ApiAnswer<T>> {
    // One controller and one timer per attempt: combined abort signals can be lost to garbage collection on Node 20.
    const abort = new AbortController();
    const timed: Timed<ApiAnswer<T>> = await withDeadline(this.#runtime, this.#exchange(request, abort.signal), {
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      keepAlive: false,
    });
    if (timed.ok) return timed.value;
    abort.abort();
    return { ok: false, reason: "unreachable" };
  }

  async #exchange<T>(request: ApiRequest<T>, signal: AbortSignal): Promise<ApiAnswer<T>> {
    const response = await this.#runtime.fetch(this.url(request.path), {
      method: request.method,
      headers: {
        ...this.headers(),
        accept: "application/json",
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal,
      redirect: "error",
    });
    if (response.status === 304) {
      discardBody(response);
      // 304 answers a conditional request of ours: there is no body to check.
      return { ok: true, status: 304, value: undefined as T, etag: response.headers.get("etag") };
    }
    const text = await readBounded(response, ANSWER_SIZE_BYTES_MAX);
    const json = text === undefined ? undefined : parseJson(text);
    return response.ok ? readAnswer(request, response, json) : this.#readFailure(response, json);
  }

  #readFailure(response: Response, json: unknown): ApiFailure {
    const { status } = response;
    const problem = problemSchema.safeParse(json);
    const retryAfterMs = parseRetryAfterMs(response.headers.get("retry-after"), this.#runtime.clock.nowMs());
    const isAuth = status === 401 || status === 403;
    const isTransient = status >= 500 || status === 408 || status === 425 || status === 429;
    return {
      ok: false,
      reason: isAuth ? "auth" : isTransient ? "unreachable" : "rejected",
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(problem.success ? { problem: problem.data } : {}),
    };
  }
}

function readAnswer<T>(request: ApiRequest<T>, response: Response, json: unknown): ApiAnswer<T> {
  const etag = response.headers.get("etag");
  // Without a schema the caller has declared that no body is read.
  if (request.schema === undefined) return { ok: true, status: response.status, value: undefined as T, etag };
  const parsed = request.schema.safeParse(json);
  if (parsed.success) return { ok: true, status: response.status, value: parsed.data, etag };
  return { ok: false, reason: "bad-answer", status: response.status };
}
