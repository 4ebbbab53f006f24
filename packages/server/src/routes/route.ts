import type { Scope } from "@handlebar/protocol";
import type * as z from "zod";
import type { FrameSink } from "../services/frame-sink.ts";
import type { Principal } from "../services/principal.ts";

/** One request that passed authentication and validation. */
export interface RouteCall<P, Q, B> {
  readonly principal: Principal;
  /** The parts of the path, decoded. */
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly headers: Headers;
  /** Fires when the client has gone or the server stops. */
  readonly signal: AbortSignal;
}

/** What a handler answers: a JSON body, or nothing. */
export interface RouteAnswer {
  readonly status: 200 | 201 | 202 | 204 | 304;
  readonly body?: unknown;
  /** The body as JSON text, where it is at hand already. */
  readonly json?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An answer that stays open: status 200, `text/event-stream`. */
export interface RouteStream {
  /** Starts to send; what it returns is called once, when the client has gone or the server stops. */
  readonly stream: (sink: FrameSink) => () => void;
}

type Schema = z.ZodType;

/** What an answer looks like. */
export interface AnswerForm {
  readonly description: string;
  /** Of its JSON body. */
  readonly schema?: Schema | undefined;
  /** Of each message, where the answer is an event stream. */
  readonly events?: Schema | undefined;
}

/** One route of the HTTP contract; the OpenAPI document is made from these, and every answer is checked against them in tests. */
export interface Route<P extends Schema = Schema, Q extends Schema = Schema, B extends Schema = Schema> {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** As OpenAPI writes it: `/v1/agents/{agentId}/tools`. */
  readonly path: string;
  /** Stable name of the operation, such as `registerTools`. */
  readonly operationId: string;
  readonly summary: string;
  /** Group in the documentation. */
  readonly tag: string;
  /** What the key must be allowed to do. Absent: any key may ask. */
  readonly scope?: Scope | undefined;
  /** Scopes that will do in place of `scope`. */
  readonly orScopes?: readonly Scope[] | undefined;
  readonly params?: P | undefined;
  readonly query?: Q | undefined;
  readonly body?: B | undefined;
  /** What it answers when it went well. */
  readonly answers: Readonly<Partial<Record<RouteAnswer["status"], AnswerForm>>>;
  /** Turns the body of an older client into today's, before it is checked. */
  readonly upgrade?: ((body: unknown) => unknown) | undefined;
  /** The largest body in bytes, once inflated. Default 1 MiB. */
  readonly bodySizeBytesMax?: number | undefined;
  readonly handle: (
    call: RouteCall<z.infer<P>, z.infer<Q>, z.infer<B>>,
  ) => Promise<RouteAnswer | RouteStream> | RouteAnswer | RouteStream;
}

/** Keeps the types of the schemas for `handle`. */
export function defineRoute<P extends Schema, Q extends Schema, B extends Schema>(route: Route<P, Q, B>): Route {
  // Each handler is only ever called with what its own schemas let through.
  return route as unknown as Route;
}
