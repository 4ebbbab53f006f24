import type { EventKind } from "@handlebar/protocol";
import { compareIds, rowKey } from "./batches.ts";
import { timeOf } from "./event-columns.ts";
import type { DroppedRange, EventRow } from "./events-table.ts";
import type { RunRecord } from "./runs-table.ts";

/** An event that was new, with those of its dropped ranges that were not known yet. */
export interface StoredEvent {
  readonly row: EventRow;
  readonly dropped: readonly DroppedRange[];
}

/**
 * What new events change of one run. Both databases add it to the row of `runs` alike: counts add up, `seqMax` and `lastEventAtMs` only grow, the earliest
 * start and the first status stand, and what is known of a run is not overwritten.
 */
export interface RunDelta extends RunRecord {
  readonly actorExternalId: string | undefined;
  readonly lastEventAtMs: number;
}

type Draft = { -readonly [K in keyof RunDelta]: RunDelta[K] };

const DECISION_KINDS: ReadonlySet<EventKind> = new Set(["tool.decision", "llm.decision"]);

/** One for each run that new events touch, in the order of their keys. */
export function runDeltas(events: readonly StoredEvent[]): readonly RunDelta[] {
  const drafts = new Map<string, Draft>();
  for (const { row, dropped } of events) {
    const timeMs = timeOf(row);
    addEvent(draftOf(drafts, row, { runId: row.runId, timeMs }), row, timeMs);
    for (const range of dropped) {
      const draft = draftOf(drafts, row, { runId: range.runId, timeMs });
      draft.droppedCount = Math.min(Number.MAX_SAFE_INTEGER, draft.droppedCount + range.to - range.from + 1);
      draft.seqMax = Math.max(draft.seqMax, range.to);
    }
  }
  return [...drafts.entries()].toSorted(([a], [b]) => compareIds(a, b)).map(([, draft]) => draft);
}

interface Place {
  readonly runId: string;
  readonly timeMs: number;
}

function draftOf(drafts: Map<string, Draft>, row: EventRow, { runId, timeMs }: Place): Draft {
  const key = rowKey(row.workspaceId, runId);
  const known = drafts.get(key);
  if (known !== undefined) return known;
  const draft: Draft = {
    workspaceId: row.workspaceId,
    runId,
    agent: row.agent,
    sessionId: undefined,
    actorExternalId: undefined,
    actor: undefined,
    model: undefined,
    tags: {},
    startedAtMs: timeMs,
    endedAtMs: undefined,
    status: undefined,
    eventCount: 0,
    seqMax: -1,
    droppedCount: 0,
    decisionCount: 0,
    blockCount: 0,
    lastEventAtMs: timeMs,
  };
  drafts.set(key, draft);
  return draft;
}

function addEvent(draft: Draft, row: EventRow, timeMs: number): void {
  draft.sessionId ??= row.sessionId;
  draft.actorExternalId ??= row.actorExternalId ?? row.runStart?.actor?.externalId;
  draft.actor ??= row.runStart?.actor;
  draft.model ??= row.runStart?.model;
  if (row.runStart !== undefined && Object.keys(draft.tags).length === 0) draft.tags = row.runStart.tags;
  draft.startedAtMs = Math.min(draft.startedAtMs, timeMs);
  draft.lastEventAtMs = Math.max(draft.lastEventAtMs, timeMs);
  draft.eventCount += 1;
  draft.seqMax = Math.max(draft.seqMax, row.seq);
  if (DECISION_KINDS.has(row.kind)) draft.decisionCount += 1;
  if (row.verdict === "BLOCK") draft.blockCount += 1;
  if (row.runEnd !== undefined && draft.status === undefined) {
    draft.status = row.runEnd;
    draft.endedAtMs = timeMs;
  }
}
