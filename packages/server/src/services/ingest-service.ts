import type { IngestAnswer, IngestRequest, IngestResult } from "@handlebar/protocol";
import { EVENTS_WAITING_COUNT_MAX, EVENTS_WAITING_SIZE_BYTES_MAX, OVERLOADED_RETRY_SECONDS } from "../limits.ts";
import type { EventRow } from "../storage/events-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import { type ReadEvent, readEvent } from "./event-row.ts";
import { isLegacyEvent, readLegacyEvents } from "./legacy-event.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import type { WorkspaceStates } from "./workspace-states.ts";

export interface IngestServiceDeps {
  readonly store: Pick<Store, "events">;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
  readonly states: Pick<WorkspaceStates, "revision" | "get">;
  readonly agents: Pick<AgentsService, "find">;
  /** Told of events that were stored, each once. */
  readonly onStored: (rows: readonly EventRow[]) => void;
}

/** Takes audit events in. */
export class IngestService {
  readonly #deps: IngestServiceDeps;

  constructor(deps: IngestServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Stores a batch, each event once by its id; resolves when it is durable. A bad event is answered alone.
   * @throws ServiceProblem `HB_OVERLOADED` where too much waits to be written: nothing of the batch was taken.
   */
  async ingest(workspaceId: string, { agentId, events }: IngestRequest): Promise<IngestAnswer> {
    this.#refuseWhenFull();
    const read = await this.#read(workspaceId, agentId, events);
    const rows = read.flatMap((one) => (one.ok ? [one.row] : []));
    const isNew = rows.length === 0 ? [] : await this.#deps.store.events.insert(rows);
    const stored = rows.filter((_, at) => isNew[at] === true);
    if (stored.length > 0) this.#deps.onStored(stored);
    return this.#answer(workspaceId, { events, read, isNew });
  }

  #refuseWhenFull(): void {
    const { count, sizeBytes } = this.#deps.store.events.waiting;
    if (count < EVENTS_WAITING_COUNT_MAX && sizeBytes < EVENTS_WAITING_SIZE_BYTES_MAX) return;
    throw new ServiceProblem("too-many", "HB_OVERLOADED", {
      message: "events come faster than they can be written; send the batch again later",
      retryAfterSeconds: OVERLOADED_RETRY_SECONDS,
    });
  }

  async #read(workspaceId: string, agentId: string, events: readonly unknown[]): Promise<readonly ReadEvent[]> {
    const world = { workspaceId, nowMs: this.#deps.runtime.nowMs() };
    if (!events.some(isLegacyEvent)) return events.map((event) => readEvent(event, world));
    const agent = (await this.#deps.agents.find(workspaceId, agentId))?.slug ?? agentId;
    const legacy = readLegacyEvents(events.filter(isLegacyEvent), { ...world, agent });
    let at = 0;
    return events.map((event) =>
      isLegacyEvent(event) ? (legacy[at++] ?? readEvent(event, world)) : readEvent(event, world),
    );
  }

  #answer(
    workspaceId: string,
    {
      events,
      read,
      isNew,
    }: { readonly events: readonly unknown[]; readonly read: readonly ReadEvent[]; readonly isNew: readonly boolean[] },
  ): IngestAnswer {
    const results: IngestResult[] = [];
    let at = 0;
    for (const [place, one] of read.entries()) {
      const eventId = idOf(events[place]);
      if (!one.ok) results.push({ eventId, status: "rejected", code: one.code, message: one.message });
      else if (isNew[at++] !== true) results.push({ eventId, status: "duplicate" });
    }
    const revision = this.#revisionOf(workspaceId);
    return { accepted: events.length - results.length, results, ...(revision === undefined ? {} : { revision }) };
  }

  /** As this process knows it: where it does not, the next answer has it. */
  #revisionOf(workspaceId: string): number | undefined {
    const { states } = this.#deps;
    const revision = states.revision(workspaceId);
    // Whoever asks for it hears of what failed; here nobody waits for it.
    if (revision === undefined) states.get(workspaceId).catch(() => undefined);
    return revision;
  }
}

function idOf(event: unknown): string {
  if (typeof event !== "object" || event === null || !("eventId" in event)) return "";
  return typeof event.eventId === "string" ? event.eventId.slice(0, 64) : "";
}
