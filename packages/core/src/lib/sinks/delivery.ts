import { type IngestAnswer, ingestAnswerSchema, type Problem, problemSchema } from "@handlebar/protocol";
import { utf8SizeBytes } from "../events/utf8.ts";
import type { Runtime } from "../runtime.ts";
import { type Batch, batchBody } from "./batch.ts";
import { gzip } from "./compress.ts";
import { discardBody, parseJson, readBounded } from "./read-answer.ts";
import { parseRetryAfterMs } from "./retry-delay.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

/** An attempt that nobody acknowledged. */
export type DeliveryFailure =
  /** The server was not reached, or is not able to answer now. */
  | {
      readonly kind: "unavailable";
      readonly reason: "network" | "timeout" | "status" | "bad_answer" | "long_answer";
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    }
  /** The server says that something in the batch is wrong. */
  | { readonly kind: "refused"; readonly status: number; readonly problem?: Problem | undefined }
  | { readonly kind: "too_large" }
  | { readonly kind: "not_compressed" }
  | { readonly kind: "unauthorised"; readonly status: number; readonly problem?: Problem | undefined };

/** How one attempt to deliver a batch ended. */
export type DeliveryOutcome = { readonly kind: "answered"; readonly answer: IngestAnswer } | DeliveryFailure;

export interface DeliveryTarget {
  readonly url: string;
  readonly apiKey: string | (() => string);
  readonly headers: Readonly<Record<string, string>>;
  readonly attemptTimeoutMs: number;
}

/** One attempt; `abort` ends it at once. */
export interface Delivery {
  /** Never rejects. */
  readonly outcome: Promise<DeliveryOutcome>;
  abort(): void;
}

const TIMED_OUT: DeliveryOutcome = { kind: "unavailable", reason: "timeout" };
const NETWORK_FAILED: DeliveryOutcome = { kind: "unavailable", reason: "network" };

/**
 * Sends one batch once. The deadline covers connecting, the answer and its body, and holds even where `fetch` ignores its signal.
 * Only a body of the form of `ingestAnswerSchema` acknowledges anything: a proxy's page with status 200 does not.
 */
export function deliver(
  runtime: Runtime,
  target: DeliveryTarget,
  request: { readonly batch: Batch; readonly compress: boolean },
): Delivery {
  const controller = new AbortController();
  let end: (outcome: DeliveryOutcome) => void = () => undefined;
  const ended = new Promise<DeliveryOutcome>((resolve) => {
    end = resolve;
  });
  const stop = (): void => {
    end(TIMED_OUT);
    controller.abort();
  };
  // An own controller and timer: `AbortSignal.any` over a timeout can be collected before it fires on Node 20.
  const timer = runtime.timers.set(stop, target.attemptTimeoutMs);
  const sent = send(runtime, target, { ...request, signal: controller.signal }).catch(() => NETWORK_FAILED);
  const outcome = Promise.race([sent, ended]).finally(() => timer.cancel());
  return { outcome, abort: stop };
}

interface Request {
  readonly batch: Batch;
  readonly compress: boolean;
  readonly signal: AbortSignal;
}

async function send(runtime: Runtime, target: DeliveryTarget, request: Request): Promise<DeliveryOutcome> {
  const text = batchBody(request.batch);
  const compressed = request.compress && utf8SizeBytes(text) >= SINK_BOUNDS.compressSizeBytesMin;
  const body = compressed ? await gzip(text) : text;
  if (request.signal.aborted) return TIMED_OUT;
  const apiKey = typeof target.apiKey === "function" ? target.apiKey() : target.apiKey;
  const response = await runtime.fetch(target.url, {
    method: "POST",
    headers: {
      ...target.headers,
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/json",
      "idempotency-key": request.batch.id,
      ...(compressed ? { "content-encoding": "gzip" } : {}),
    },
    body,
    signal: request.signal,
    // Not `error`, which some edge hosts do not have: any redirect is seen by its status and followed never.
    redirect: "manual",
  });
  return readOutcome(runtime, response, { batch: request.batch, compressed });
}

async function readOutcome(
  runtime: Runtime,
  response: Response,
  sent: { readonly batch: Batch; readonly compressed: boolean },
): Promise<DeliveryOutcome> {
  const { status } = response;
  if (response.ok) return readAnswer(response, sent.batch);
  if (status === 415 && sent.compressed) {
    discardBody(response);
    return { kind: "not_compressed" };
  }
  if (status === 413) {
    discardBody(response);
    return { kind: "too_large" };
  }
  if (status === 400 || status === 422) return { kind: "refused", status, problem: await readProblem(response) };
  if (status === 401 || status === 403) return { kind: "unauthorised", status, problem: await readProblem(response) };
  const retryAfterMs = parseRetryAfterMs(response.headers.get("retry-after"), runtime.clock.nowMs());
  discardBody(response);
  const reason = status === 408 || status === 425 || status === 429 || status >= 500 ? "status" : "bad_answer";
  return { kind: "unavailable", reason, status, retryAfterMs };
}

async function readAnswer(response: Response, batch: Batch): Promise<DeliveryOutcome> {
  const text = await readBounded(response, SINK_BOUNDS.answerSizeBytesMax);
  if (text === undefined) return { kind: "unavailable", reason: "long_answer", status: response.status };
  const parsed = ingestAnswerSchema.safeParse(parseJson(text));
  if (!parsed.success || !coversBatch(parsed.data, batch)) {
    return { kind: "unavailable", reason: "bad_answer", status: response.status };
  }
  return { kind: "answered", answer: parsed.data };
}

/** Whether the answer speaks for every event: each is either named in it or among the number simply accepted. */
function coversBatch(answer: IngestAnswer, batch: Batch): boolean {
  const named = new Set(answer.results.map(({ eventId }) => eventId));
  const unnamed = batch.events.filter(({ eventId }) => !named.has(eventId));
  return answer.accepted >= unnamed.length;
}

async function readProblem(response: Response): Promise<Problem | undefined> {
  const text = await readBounded(response, SINK_BOUNDS.answerSizeBytesMax).catch(() => undefined);
  return problemSchema.safeParse(parseJson(text ?? "")).data;
}
