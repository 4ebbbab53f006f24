import type { Actor, AuditEvent, EventKind, Model, RunStatus, Verdict } from "@handlebar/protocol";
import type { Page, PageRequest } from "./page.ts";

/** Sequence numbers that will never arrive. */
export interface DroppedRange {
  readonly runId: string;
  readonly from: number;
  readonly to: number;
}

/** What one policy in shadow would have done with a call: the most severe of what its rules asked for. */
export interface ShadowOutcome {
  readonly policyId: string;
  readonly would: "block" | "hitl" | "redact" | "nothing";
}

/** One event on its way into the store, with the columns that searches use. */
export interface EventRow {
  readonly workspaceId: string;
  /** UUIDv7 in lower case. The time in it is the event's time for searches, counts, runs and retention. */
  readonly eventId: string;
  readonly runId: string;
  readonly seq: number;
  /** The agent's slug. */
  readonly agent: string;
  readonly sessionId: string | undefined;
  readonly actorExternalId: string | undefined;
  readonly kind: EventKind;
  readonly tool: string | undefined;
  readonly verdict: Verdict | undefined;
  /** The kind of a decision's cause. */
  readonly cause: string | undefined;
  /** The rule that decided. */
  readonly ruleId: string | undefined;
  /** The event as JSON text, as it came. */
  readonly json: string;
  /** Sequence numbers of runs that this event explains as dropped, as inclusive ranges. */
  readonly dropped: readonly DroppedRange[];
  /** What a `run.started` event says of its run: opens it, or adds what was not known. */
  readonly runStart?:
    | {
        readonly actor: Actor | undefined;
        readonly model: Model | undefined;
        readonly tags: Readonly<Record<string, string>>;
      }
    | undefined;
  /** What policies in shadow would have done, where the event has a decision, and the state's revision that decided. */
  readonly shadow?: { readonly revision: number; readonly outcomes: readonly ShadowOutcome[] } | undefined;
  /** How a `run.ended` event says that its run ended; the first status stands. */
  readonly runEnd?: RunStatus | undefined;
}

export interface EventFilter {
  readonly runId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly agent?: string | undefined;
  readonly actorExternalId?: string | undefined;
  readonly kinds?: readonly EventKind[] | undefined;
  readonly tool?: string | undefined;
  readonly verdict?: Verdict | undefined;
  readonly cause?: string | undefined;
  readonly ruleId?: string | undefined;
  /** Inside the event's JSON text, whatever the case of ASCII letters; needs `sinceMs`. */
  readonly text?: string | undefined;
  /** At or after. */
  readonly sinceMs?: number | undefined;
  /** Before. */
  readonly untilMs?: number | undefined;
}

/** A stored event as it stands: whoever only hands it on need not parse it. */
export interface EventText {
  readonly eventId: string;
  /** The event as JSON text; it was checked against its schema when it was stored. */
  readonly json: string;
}

/** Counts for one stretch of time. */
export interface StatsBucket {
  readonly startMs: number;
  /** Runs that started in it. */
  readonly runs: number;
  readonly events: number;
  readonly decisions: number;
  readonly blocks: number;
  /** Calls that were held for a person. */
  readonly held: number;
}

export interface EventsTable {
  /**
   * Stores events and keeps the counters of runs and of policies in shadow, all in one transaction; resolves when durable. Callers that come at the same time share a commit.
   * @returns per event, in order, whether it was new.
   */
  insert(rows: readonly EventRow[]): Promise<readonly boolean[]>;
  /** Rows that wait to be committed, and their size: what backpressure looks at. */
  readonly waiting: { readonly count: number; readonly sizeBytes: number };
  get(workspaceId: string, eventId: string): Promise<AuditEvent | undefined>;
  /** Newest first; events of one run (`runId`) by their sequence numbers, with `order: "seq"` the lowest first. */
  search(
    workspaceId: string,
    filter: EventFilter,
    page: PageRequest & { readonly order?: "newest" | "seq" | undefined },
  ): Promise<Page<AuditEvent>>;
  /** In the order of their ids (time), as they are stored, for replay and export: constant memory. */
  scan(workspaceId: string, filter: EventFilter, page: PageRequest): Promise<Page<EventText>>;
  stats(
    workspaceId: string,
    range: {
      readonly sinceMs: number;
      readonly untilMs: number;
      readonly bucketMs: number;
      readonly agent?: string | undefined;
    },
  ): Promise<readonly StatsBucket[]>;
  /** Makes room for events to come (partitions); does nothing where the database needs none. */
  prepare(nowMs: number): Promise<void>;
  /** Deletes events older than `beforeMs` and runs without a newer one; returns how many events or partitions went. */
  prune(beforeMs: number): Promise<number>;
}
