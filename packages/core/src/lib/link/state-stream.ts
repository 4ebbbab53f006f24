import { type LinkMessage, linkMessageSchema } from "@handlebar/protocol";
import { createParser } from "eventsource-parser";
import type { Runtime } from "../runtime.ts";
import { discardBody, parseJson } from "../sinks/read-answer.ts";
import type { ApiClient } from "./api-client.ts";

/** How a stream ended. `refused` carries a status that says not to try streaming again soon. */
export type StreamEnd =
  | { readonly kind: "closed"; readonly openedMs: number }
  | { readonly kind: "failed" }
  | { readonly kind: "refused"; readonly status: number };

export interface StreamOptions {
  readonly path: string;
  readonly lastEventId: string | undefined;
  /** Without a byte for longer, the stream is given up. */
  readonly silenceMaxMs: number;
  readonly signal: AbortSignal;
  readonly onMessage: (message: LinkMessage) => void;
}

/** Statuses that mean that this endpoint, or something before it, does not stream. */
const NO_STREAM = new Set([401, 403, 404, 405, 406, 429, 501]);

/** Reads one server-sent event stream until it ends, fails or falls silent. Never throws. */
export async function readStream(runtime: Runtime, api: ApiClient, options: StreamOptions): Promise<StreamEnd> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  options.signal.addEventListener("abort", stop);
  let silence = runtime.timers.set(stop, options.silenceMaxMs);
  const heard = (): void => {
    silence.cancel();
    silence = runtime.timers.set(stop, options.silenceMaxMs);
  };
  try {
    const response = await runtime.fetch(api.url(options.path), {
      method: "GET",
      headers: {
        ...api.headers(),
        accept: "text/event-stream",
        ...(options.lastEventId === undefined ? {} : { "last-event-id": options.lastEventId }),
      },
      signal: abort.signal,
      redirect: "error",
    });
    if (response.status !== 200 || !isEventStream(response) || response.body === null) {
      discardBody(response);
      return NO_STREAM.has(response.status) || response.ok
        ? { kind: "refused", status: response.status }
        : { kind: "failed" };
    }
    const openedAtMs = runtime.clock.monotonicMs();
    await pump(response.body, { heard, onMessage: options.onMessage, signal: abort.signal });
    return { kind: "closed", openedMs: runtime.clock.monotonicMs() - openedAtMs };
  } catch {
    return { kind: "failed" };
  } finally {
    silence.cancel();
    options.signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

async function pump(
  body: ReadableStream<Uint8Array>,
  sink: {
    readonly heard: () => void;
    readonly onMessage: (message: LinkMessage) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const parser = createParser({
    onEvent: (event) => {
      const parsed = linkMessageSchema.safeParse(parseJson(event.data));
      if (parsed.success) sink.onMessage(parsed.data);
    },
  });
  const aborted = new Promise<"aborted">((resolve) => {
    sink.signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
  for (;;) {
    const next = await Promise.race([reader.read(), aborted]);
    if (next === "aborted" || next.done) {
      reader.cancel().catch(() => undefined);
      return;
    }
    sink.heard();
    parser.feed(decoder.decode(next.value, { stream: true }));
  }
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}
