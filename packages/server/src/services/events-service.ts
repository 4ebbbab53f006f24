import type { AuditEvent } from "@handlebar/protocol";
import { STATS_BUCKET_COUNT, STATS_BUCKET_COUNT_MAX } from "../limits.ts";
import type { EventFilter, StatsBucket } from "../storage/events-table.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { Store } from "../storage/store.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";

export interface EventsServiceDeps {
  readonly store: Pick<Store, "events">;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
}

export interface StatsRequest {
  readonly sinceMs: number;
  readonly untilMs?: number | undefined;
  readonly bucketSeconds?: number | undefined;
  readonly agent?: string | undefined;
}

export interface Stats {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly bucketMs: number;
  readonly buckets: readonly StatsBucket[];
}

/** The audit trail as it is read. */
export class EventsService {
  readonly #deps: EventsServiceDeps;

  constructor(deps: EventsServiceDeps) {
    this.#deps = deps;
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get(workspaceId: string, eventId: string): Promise<AuditEvent> {
    const event = await this.#deps.store.events.get(workspaceId, eventId.toLowerCase());
    if (event !== undefined) return event;
    const message = `there is no event \`${eventId}\` in this workspace`;
    throw new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "eventId" });
  }

  /** Newest first. @throws ServiceProblem `HB_REQUEST_INVALID` for a search in the text of all events there are. */
  async search(workspaceId: string, filter: EventFilter, page: PageRequest): Promise<Page<AuditEvent>> {
    if (filter.text !== undefined && filter.sinceMs === undefined) {
      const message = "`text` looks into every event of a range; give `since` as well";
      throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field: "since" });
    }
    return this.#deps.store.events.search(workspaceId, filter, page);
  }

  /** One run's events in its order. */
  ofRun(workspaceId: string, runId: string, page: PageRequest): Promise<Page<AuditEvent>> {
    return this.#deps.store.events.search(workspaceId, { runId }, { ...page, order: "seq" });
  }

  /** @throws ServiceProblem `HB_REQUEST_INVALID` for a range that is empty or has too many buckets. */
  async stats(workspaceId: string, request: StatsRequest): Promise<Stats> {
    const { sinceMs, untilMs = this.#deps.runtime.nowMs(), bucketSeconds, agent } = request;
    if (untilMs <= sinceMs) throw badRange("`since` must be before `until`", "since");
    const seconds = bucketSeconds ?? Math.max(1, Math.ceil((untilMs - sinceMs) / 1_000 / STATS_BUCKET_COUNT));
    const bucketMs = seconds * 1_000;
    if ((untilMs - sinceMs) / bucketMs > STATS_BUCKET_COUNT_MAX) {
      throw badRange(
        `the range has more than ${STATS_BUCKET_COUNT_MAX} buckets; ask for longer buckets or a shorter range`,
        "bucketSeconds",
      );
    }
    const buckets = await this.#deps.store.events.stats(workspaceId, { sinceMs, untilMs, bucketMs, agent });
    return { sinceMs, untilMs, bucketMs, buckets };
  }
}

function badRange(message: string, field: string): ServiceProblem {
  return new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message, field });
}
