import type { EventKind } from "@handlebar/protocol";
import type { EventRef } from "../events/serialise-event.ts";
import { type SeqRange, SeqRanges } from "./seq-ranges.ts";
import { SINK_BOUNDS } from "./sink-bounds.ts";

/** Why an event never arrived. */
export type DropReason =
  /** The queue was at its bound. */
  | "queue_full"
  /** The control plane refused this event. */
  | "rejected"
  /** No request could be made small enough for it. */
  | "too_large"
  /** It alone made the server fail, again and again, while others went through. */
  | "server_error"
  /** It was written after `close`. */
  | "closed"
  /** The deadline of `close` had passed. */
  | "shutdown"
  /** The spool could not be written. */
  | "spool_failed"
  /** The spool was at its bound. */
  | "spool_full"
  /** It lay in the spool for too long. */
  | "spool_expired";

export interface DropCount {
  readonly reason: DropReason;
  readonly kind: EventKind;
  readonly count: number;
}

/** What an `events.dropped` event says; `counts` and `ranges` are its data. */
export interface DropReport {
  /** The run that the event belongs to. */
  readonly runId: string;
  readonly agentId: string;
  readonly sessionId?: string;
  /** The highest number among this run's dropped events: the report's own number is higher. */
  readonly seqMax: number;
  readonly counts: readonly DropCount[];
  /** Numbers that will never arrive. Other runs than `runId` appear only where more were affected than are told apart. */
  readonly ranges: readonly (SeqRange & { readonly runId: string })[];
}

interface RunDrops {
  readonly runId: string;
  readonly agentId: string;
  readonly sessionId: string | undefined;
  seqMax: number;
  readonly counts: Map<string, { reason: DropReason; kind: EventKind; count: number }>;
  readonly ranges: Map<string, SeqRanges>;
}

/** Accounts for every dropped event until the control plane has been told of it. Bounded; the counts are always exact. */
export class DropLedger {
  readonly #runs = new Map<string, RunDrops>();
  #rangeCount = 0;
  #eventCount = 0;

  /** Dropped events that no report has taken yet. */
  get eventCount(): number {
    return this.#eventCount;
  }

  record(event: EventRef, reason: DropReason): void {
    const run = this.#runFor(event);
    this.#count(run, { reason, kind: event.kind, count: 1 });
    if (run.runId === event.runId) run.seqMax = Math.max(run.seqMax, event.seq);
    this.#addRange(run, event.runId, { from: event.seq, to: event.seq });
  }

  /** Puts a report back that did not arrive. */
  restore(report: DropReport): void {
    const run = this.#runFor(report);
    for (const count of report.counts) this.#count(run, count);
    if (run.runId === report.runId) run.seqMax = Math.max(run.seqMax, report.seqMax);
    for (const { runId, from, to } of report.ranges) this.#addRange(run, runId, { from, to });
  }

  /** Takes out at most `countMax` reports, oldest run first. */
  take(countMax: number): readonly DropReport[] {
    const reports: DropReport[] = [];
    for (const run of this.#runs.values()) {
      const parts = toReports(run);
      if (reports.length > 0 && reports.length + parts.length > countMax) break;
      reports.push(...parts);
      this.#forget(run);
    }
    return reports;
  }

  #runFor(event: {
    readonly runId: string;
    readonly agentId: string;
    readonly sessionId?: string | undefined;
  }): RunDrops {
    const known = this.#runs.get(event.runId);
    if (known !== undefined) return known;
    if (this.#runs.size >= SINK_BOUNDS.dropRunCountMax) {
      const [oldest] = this.#runs.values();
      if (oldest !== undefined) return oldest;
    }
    const { runId, agentId, sessionId } = event;
    const run: RunDrops = { runId, agentId, sessionId, seqMax: 0, counts: new Map(), ranges: new Map() };
    this.#runs.set(runId, run);
    return run;
  }

  #count(run: RunDrops, { reason, kind, count }: DropCount): void {
    const key = `${reason} ${kind}`;
    const entry = run.counts.get(key);
    if (entry === undefined) run.counts.set(key, { reason, kind, count });
    else entry.count += count;
    this.#eventCount += count;
  }

  #addRange(run: RunDrops, runId: string, range: SeqRange): void {
    const ranges = run.ranges.get(runId) ?? new SeqRanges();
    if (this.#rangeCount >= SINK_BOUNDS.dropRangeCountMax && ranges.wouldGrow(range.from)) return;
    run.ranges.set(runId, ranges);
    this.#rangeCount -= ranges.count;
    ranges.add(range);
    this.#rangeCount += ranges.count;
  }

  #forget(run: RunDrops): void {
    this.#runs.delete(run.runId);
    for (const ranges of run.ranges.values()) this.#rangeCount -= ranges.count;
    for (const { count } of run.counts.values()) this.#eventCount -= count;
  }
}

/** One report, or several where a run has more ranges than one event should carry; the counts are in the first. */
function toReports(run: RunDrops): readonly DropReport[] {
  const { runId, agentId, sessionId, seqMax } = run;
  const head = { runId, agentId, ...(sessionId === undefined ? {} : { sessionId }), seqMax };
  const ranges = [...run.ranges].flatMap(([id, seqs]) => seqs.list.map((range) => ({ runId: id, ...range })));
  const counts = [...run.counts.values()].map((count) => ({ ...count }));
  const reports: DropReport[] = [{ ...head, counts, ranges: ranges.slice(0, SINK_BOUNDS.reportRangeCountMax) }];
  for (let at = SINK_BOUNDS.reportRangeCountMax; at < ranges.length; at += SINK_BOUNDS.reportRangeCountMax) {
    reports.push({ ...head, counts: [], ranges: ranges.slice(at, at + SINK_BOUNDS.reportRangeCountMax) });
  }
  return reports;
}
