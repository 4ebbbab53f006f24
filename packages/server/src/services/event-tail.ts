import type { AuditEvent, TailMessage } from "@handlebar/protocol";
import { TAIL_PAGE_COUNT, TAIL_POLL_MS, TAIL_REACH_MS, TAIL_SEEN_COUNT_MAX } from "../limits.ts";
import type { EventFilter, EventRow } from "../storage/events-table.ts";
import type { Store } from "../storage/store.ts";
import { rowOf } from "./event-row.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { ServerRuntime, ServerTimer } from "./server-runtime.ts";
import { type OpenStream, StreamSet } from "./stream-set.ts";

/** Which events a tail shows; every field given must hold. */
export type TailFilter = Omit<EventFilter, "text" | "sinceMs" | "untilMs">;

export interface EventTailDeps {
  readonly store: Pick<Store, "kind" | "events">;
  readonly runtime: ServerRuntime;
  /** Told of what failed; it is tried again. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

interface Topic {
  readonly workspaceId: string;
  readonly filter: TailFilter;
}

/**
 * New events as they are stored. Those that this process took in are shown at once; where other processes share the store, theirs are read
 * about every second.
 */
export class EventTail {
  readonly #deps: EventTailDeps;
  readonly #streams: StreamSet<Topic>;
  /** Ids that were shown, by workspace, so that what is read is not shown twice. Oldest first. */
  readonly #seen = new Map<string, Set<string>>();
  #timer: ServerTimer | undefined;

  constructor(deps: EventTailDeps) {
    this.#deps = deps;
    this.#streams = new StreamSet(deps.runtime, frameOf({ kind: "heartbeat" }));
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Opens a tail; what it returns is called when the client has gone. */
  open(topic: Topic, sink: FrameSink): () => void {
    const stream = this.#streams.open(topic, sink);
    this.#streams.send(stream, frameOf({ kind: "heartbeat" }));
    if (this.#deps.store.kind !== "sqlite") this.#timer ??= this.#deps.runtime.after(TAIL_POLL_MS, () => this.#poll());
    return () => {
      this.#streams.close(stream);
      this.#forget();
    };
  }

  /** Shows events that this process stored. */
  stored(rows: readonly EventRow[]): void {
    if (this.#streams.size === 0) return;
    for (const row of rows) {
      const streams = this.#of(row.workspaceId);
      if (streams.length > 0) this.#show(streams, row);
    }
  }

  /** Ends every tail: the server stops. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#streams.endAll();
    this.#seen.clear();
  }

  #show(streams: readonly OpenStream<Topic>[], row: ShownEvent): void {
    if (!this.#isNew(row)) return;
    const wanting = streams.filter(({ topic }) => isWanted(topic.filter, row));
    if (wanting.length === 0) return;
    const frame = Buffer.from(`event: event\ndata: {"kind":"event","event":${row.json}}\n\n`);
    for (const stream of wanting) this.#streams.send(stream, frame);
  }

  #isNew({ workspaceId, eventId }: ShownEvent): boolean {
    if (this.#deps.store.kind === "sqlite") return true;
    const seen = this.#seen.get(workspaceId) ?? new Set<string>();
    this.#seen.set(workspaceId, seen);
    if (seen.has(eventId)) return false;
    seen.add(eventId);
    const [oldest] = seen;
    if (seen.size > TAIL_SEEN_COUNT_MAX && oldest !== undefined) seen.delete(oldest);
    return true;
  }

  #poll(): void {
    this.#timer = undefined;
    if (this.#streams.size === 0) return;
    this.#read()
      .catch((error: unknown) => this.#deps.onError?.(error))
      .finally(() => {
        if (this.#streams.size > 0) this.#timer ??= this.#deps.runtime.after(TAIL_POLL_MS, () => this.#poll());
      });
  }

  /** The newest events of each workspace that somebody watches, what was shown left out. */
  async #read(): Promise<void> {
    const sinceMs = this.#deps.runtime.nowMs() - TAIL_REACH_MS;
    for (const workspaceId of new Set(this.#streams.all().map(({ topic }) => topic.workspaceId))) {
      const { items } = await this.#deps.store.events.search(workspaceId, { sinceMs }, { limit: TAIL_PAGE_COUNT });
      for (const event of [...items].reverse()) this.#show(this.#of(workspaceId), shownOf(workspaceId, event));
    }
  }

  #of(workspaceId: string): readonly OpenStream<Topic>[] {
    return this.#streams.all().filter(({ topic }) => topic.workspaceId === workspaceId);
  }

  #forget(): void {
    const watched = new Set(this.#streams.all().map(({ topic }) => topic.workspaceId));
    for (const workspaceId of this.#seen.keys()) if (!watched.has(workspaceId)) this.#seen.delete(workspaceId);
  }
}

type ShownEvent = Pick<
  EventRow,
  | "workspaceId"
  | "eventId"
  | "runId"
  | "agent"
  | "sessionId"
  | "actorExternalId"
  | "kind"
  | "tool"
  | "verdict"
  | "cause"
  | "ruleId"
  | "json"
>;

function shownOf(workspaceId: string, event: AuditEvent): ShownEvent {
  return rowOf(event, { workspaceId, eventId: event.eventId, json: JSON.stringify(event) });
}

function isWanted({ kinds, ...fields }: TailFilter, row: ShownEvent): boolean {
  if (kinds !== undefined && !kinds.includes(row.kind)) return false;
  const columns: Readonly<Record<string, unknown>> = { ...row };
  return Object.entries(fields).every(([name, value]) => value === undefined || columns[name] === value);
}

function frameOf(message: TailMessage): string {
  return `event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`;
}
