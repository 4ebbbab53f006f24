import type { HandlebarErrorCode } from "@handlebar/protocol";

/** One request that was answered. */
export interface FinishedRequest {
  readonly method: string;
  /** The route's path, such as `/v1/agents/{agentId}`; `unmatched` where there is none. Never what the client sent. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of a refusal. */
  readonly code: HandlebarErrorCode | undefined;
  readonly requestId: string | undefined;
  /** The request's, for what an observer alone needs, such as the client's trace. */
  readonly headers: Headers;
}

/** Told of every request: metrics, traces, the log. Never throws. */
export type RequestObserver = (request: FinishedRequest) => void;
