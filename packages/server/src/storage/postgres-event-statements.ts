import { toEventTableRow } from "./event-columns.ts";
import type { DroppedRange, EventRow } from "./events-table.ts";
import { bigintArray, textArray } from "./postgres-array.ts";
import type { RunDelta } from "./run-deltas.ts";
import type { EventTableRow } from "./schema.ts";

/** A statement and the arrays that it unfolds into rows: one parameter for each column, however many rows. */
export interface BatchStatement {
  readonly text: string;
  readonly values: readonly Buffer[];
}

type TypedColumn = readonly [name: string, type: "text" | "bigint"];

const EVENT_COLUMNS: readonly (readonly [name: keyof EventTableRow, type: "text" | "bigint"])[] = [
  ["workspace_id", "text"],
  ["event_id", "text"],
  ["run_id", "text"],
  ["seq", "bigint"],
  ["agent", "text"],
  ["session_id", "text"],
  ["actor_external_id", "text"],
  ["kind", "text"],
  ["ts_ms", "bigint"],
  ["tool", "text"],
  ["verdict", "text"],
  ["cause", "text"],
  ["rule_id", "text"],
  ["json", "text"],
];

const RUN_COLUMNS: readonly TypedColumn[] = [
  ["workspace_id", "text"],
  ["run_id", "text"],
  ["agent", "text"],
  ["session_id", "text"],
  ["actor_external_id", "text"],
  ["actor", "text"],
  ["model", "text"],
  ["tags", "text"],
  ["started_at_ms", "bigint"],
  ["ended_at_ms", "bigint"],
  ["status", "text"],
  ["event_count", "bigint"],
  ["seq_max", "bigint"],
  ["dropped_count", "bigint"],
  ["decision_count", "bigint"],
  ["block_count", "bigint"],
  ["last_event_at_ms", "bigint"],
];

const namesOf = (columns: readonly TypedColumn[]): string => columns.map(([name]) => name).join(", ");

/** `unnest($3::text[], $4::bigint[])` for parameters after the first `offset`. */
function unfold(columns: readonly TypedColumn[], offset: number): string {
  return `unnest(${columns.map(([, type], at) => `$${at + offset + 1}::${type}[]`).join(", ")})`;
}

/** Rows are written in the order of their key, so that two batches that meet wait for each other and never both ways round. */
const insertEvents = (offset: number): string => `insert into events (${namesOf(EVENT_COLUMNS)})
  select * from ${unfold(EVENT_COLUMNS, offset)} as given (${namesOf(EVENT_COLUMNS)})
  order by workspace_id, event_id
  on conflict do nothing`;

const upsertRuns = (offset: number, condition: string): string => `insert into runs (${namesOf(RUN_COLUMNS)})
  select given.* from ${unfold(RUN_COLUMNS, offset)} as given (${namesOf(RUN_COLUMNS)})${condition}
  order by given.workspace_id, given.run_id
  on conflict (workspace_id, run_id) do update set
    session_id = coalesce(runs.session_id, excluded.session_id),
    actor_external_id = coalesce(runs.actor_external_id, excluded.actor_external_id),
    actor = coalesce(runs.actor, excluded.actor),
    model = coalesce(runs.model, excluded.model),
    tags = case when runs.tags = '{}' then excluded.tags else runs.tags end,
    started_at_ms = least(runs.started_at_ms, excluded.started_at_ms),
    ended_at_ms = case when runs.status is null then excluded.ended_at_ms else runs.ended_at_ms end,
    status = coalesce(runs.status, excluded.status),
    event_count = runs.event_count + excluded.event_count,
    seq_max = greatest(runs.seq_max, excluded.seq_max),
    dropped_count = runs.dropped_count + excluded.dropped_count,
    decision_count = runs.decision_count + excluded.decision_count,
    block_count = runs.block_count + excluded.block_count,
    last_event_at_ms = greatest(runs.last_event_at_ms, excluded.last_event_at_ms)`;

const INSERT_EVENTS = `${insertEvents(0)} returning workspace_id, event_id`;

const UPSERT_RUNS = upsertRuns(0, "");

const INSERT_DROPPED = `insert into dropped_ranges (workspace_id, run_id, from_seq, to_seq)
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as given (workspace_id, run_id, from_seq, to_seq)
  order by workspace_id, run_id, from_seq, to_seq
  on conflict do nothing returning workspace_id, run_id, from_seq, to_seq`;

/** The division fails, and with it the whole statement, where an event was there already. */
const INSERT_ALL_NEW = `with stored as (${insertEvents(0)} returning 1),
  counted as (select count(*)::int as stored_count from stored),
  counters as (${upsertRuns(EVENT_COLUMNS.length, " cross join counted where counted.stored_count > 0")} returning 1)
  select 1 / (stored_count = ${`$${EVENT_COLUMNS.length + RUN_COLUMNS.length + 1}`}::int)::int as is_all from counted`;

function eventValues(rows: readonly EventRow[]): readonly Buffer[] {
  const columns = rows.map(toEventTableRow);
  return EVENT_COLUMNS.map(([name, type]) =>
    type === "text"
      ? textArray(columns.map((row) => textOf(row[name])))
      : bigintArray(columns.map((row) => numberOf(row[name]))),
  );
}

const textOf = (value: string | number | null): string | null => (typeof value === "number" ? String(value) : value);

const numberOf = (value: string | number | null): number | null => (value === null ? null : Number(value));

const jsonOf = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));

function runValues(deltas: readonly RunDelta[]): readonly Buffer[] {
  const text = (read: (delta: RunDelta) => string | undefined): Buffer => textArray(deltas.map(read));
  const bigint = (read: (delta: RunDelta) => number | undefined): Buffer => bigintArray(deltas.map(read));
  return [
    text(({ workspaceId }) => workspaceId),
    text(({ runId }) => runId),
    text(({ agent }) => agent),
    text(({ sessionId }) => sessionId),
    text(({ actorExternalId }) => actorExternalId),
    text(({ actor }) => jsonOf(actor)),
    text(({ model }) => jsonOf(model)),
    text(({ tags }) => JSON.stringify(tags)),
    bigint(({ startedAtMs }) => startedAtMs),
    bigint(({ endedAtMs }) => endedAtMs),
    text(({ status }) => status),
    bigint(({ eventCount }) => eventCount),
    bigint(({ seqMax }) => seqMax),
    bigint(({ droppedCount }) => droppedCount),
    bigint(({ decisionCount }) => decisionCount),
    bigint(({ blockCount }) => blockCount),
    bigint(({ lastEventAtMs }) => lastEventAtMs),
  ];
}

/** Stores those that are new, and returns their `workspace_id` and `event_id`. */
export function insertEventsStatement(rows: readonly EventRow[]): BatchStatement {
  return { text: INSERT_EVENTS, values: eventValues(rows) };
}

/** A dropped range with the workspace of its run. */
export interface OwnedRange extends DroppedRange {
  readonly workspaceId: string;
}

/** Stores those that are new, and returns them. */
export function insertDroppedStatement(ranges: readonly OwnedRange[]): BatchStatement {
  return {
    text: INSERT_DROPPED,
    values: [
      textArray(ranges.map(({ workspaceId }) => workspaceId)),
      textArray(ranges.map(({ runId }) => runId)),
      bigintArray(ranges.map(({ from }) => from)),
      bigintArray(ranges.map(({ to }) => to)),
    ],
  };
}

/** Adds to the runs' counters. */
export function upsertRunsStatement(deltas: readonly RunDelta[]): BatchStatement {
  return { text: UPSERT_RUNS, values: runValues(deltas) };
}

/** Stores events and adds to the runs' counters in one round trip. Fails with `22012`, and does nothing, unless all events are new. */
export function insertAllNewStatement(
  rows: readonly EventRow[],
  deltas: readonly RunDelta[],
): { readonly text: string; readonly values: readonly (Buffer | number)[] } {
  return { text: INSERT_ALL_NEW, values: [...eventValues(rows), ...runValues(deltas), rows.length] };
}
