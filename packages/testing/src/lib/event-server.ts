import type { AuditEvent, IngestAnswer } from "@handlebar/protocol";
import { EventBook, type SequenceGap } from "./control-plane/event-book.ts";
import { jsonResponse, readRequestText, type SimHandler, type SimRequest, type SimResponse } from "./sim-http.ts";

export interface EventServerOptions {
  /** Events that the server cannot take. */
  readonly isPoisoned?: ((event: AuditEvent) => boolean) | undefined;
  /** A batch that holds one is refused whole with 400 (`batch`), or the event alone in the results (`event`, default). */
  readonly refuses?: "batch" | "event" | undefined;
  /** Longest body that is taken; 413 beyond it. Default: any. */
  readonly bodySizeBytesMax?: number | undefined;
}

/** Only the ingest route, with a store that keeps each event once: what a sink is tested against. */
export interface EventServer {
  readonly handler: SimHandler;
  /** In the order in which they arrived first. */
  readonly events: readonly AuditEvent[];
  readonly duplicateCount: number;
  readonly rejectedCount: number;
  gaps(): readonly SequenceGap[];
}

export function createEventServer(options: EventServerOptions = {}): EventServer {
  const book = new EventBook();
  const isPoisoned = options.isPoisoned ?? (() => false);
  book.judge = (event) => (isPoisoned(event) ? "rejected" : undefined);
  return {
    handler: (request) => ingest(book, request, options),
    get events() {
      return book.events;
    },
    get duplicateCount() {
      return book.duplicateCount;
    },
    get rejectedCount() {
      return book.rejectedCount;
    },
    gaps: () => book.gaps(),
  };
}

async function ingest(book: EventBook, request: SimRequest, options: EventServerOptions): Promise<SimResponse> {
  if (request.body.length > (options.bodySizeBytesMax ?? Infinity)) return { status: 413 };
  const events = readEvents(await readRequestText(request));
  if (events === undefined) return { status: 400 };
  const { refuses, isPoisoned } = options;
  if (refuses === "batch" && events.some((event) => isPoisoned?.(event) === true)) return { status: 400 };
  const results = events.map((event) => book.take(event)).filter((result) => result !== undefined);
  const answer: IngestAnswer = { accepted: events.length - results.length, results };
  return jsonResponse(answer);
}

function readEvents(text: string): readonly AuditEvent[] | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const isBatch = typeof body === "object" && body !== null && "events" in body && Array.isArray(body.events);
    // Each event is checked by the store; the predicate of a test sees it as its sender meant it.
    return isBatch ? (body.events as AuditEvent[]) : undefined;
  } catch {
    return undefined;
  }
}
