import type { RouteCall } from "../routes/route.ts";
import type { Principal } from "../services/principal.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { StreamTarget } from "./stream-target.ts";

export interface RequestParts {
  readonly principal: Principal;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

export interface RequestSource {
  readonly request: Request;
  readonly outgoing: StreamTarget | undefined;
  readonly calls: OpenCalls;
}

/** A call whose signal is made only when a handler asks for it: most never do, and it costs a listener on each connection. */
export class RequestCall implements RouteCall<unknown, unknown, unknown> {
  readonly principal: Principal;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly #source: RequestSource;
  #controller: AbortController | undefined;
  #release: (() => void) | undefined;

  constructor(parts: RequestParts, source: RequestSource) {
    this.principal = parts.principal;
    this.params = parts.params;
    this.query = parts.query;
    this.body = parts.body;
    this.#source = source;
  }

  get headers(): Headers {
    return this.#source.request.headers;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#listen();
    return this.#controller.signal;
  }

  /** The request is over. */
  release(): void {
    this.#release?.();
  }

  #listen(): AbortController {
    const { request, outgoing, calls } = this.#source;
    const controller = new AbortController();
    const gone = (): void => controller.abort();
    this.#release = calls.add(this.principal.keyId, gone);
    if (outgoing === undefined) request.signal.addEventListener("abort", gone, { once: true });
    else if (outgoing.destroyed) gone();
    else outgoing.once("close", gone);
    return controller;
  }
}
