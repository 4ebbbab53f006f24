import { toEventTableRow } from "./event-columns.ts";
import type { DroppedRange, EventRow } from "./events-table.ts";
import { bigintArray, textArray } from "./postgres-array.ts";
import { mergeRunSql, toRunRow } from "./run-columns.ts";
import type { RunDelta } from "./run-deltas.ts";
import type { EventTableRow, RunRow, ShadowCountRow } from "./schema.ts";
import { mergeShadowSql, type ShadowDelta } from "./shadow-deltas.ts";

/** A statement and the arrays that it unfolds into rows: one parameter for each column, however many rows. */
export interface BatchStatement {
  readonly text: string;
  readonly values: readonly Buffer[];
}

type Column<Row> = readonly [name: keyof Row & string, type: "text" | "bigint"];

const EVENT_COLUMNS: readonly Column<EventTableRow>[] = [
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

const RUN_COLUMNS: readonly Column<RunRow>[] = [
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

interface ShadowRow extends Omit<ShadowCountRow, "version"> {
  readonly revision: number;
}

const SHADOW_COLUMNS: readonly Column<ShadowRow>[] = [
  ["workspace_id", "text"],
  ["policy_id", "text"],
  ["revision", "bigint"],
  ["decision_count", "bigint"],
  ["block_count", "bigint"],
  ["hold_count", "bigint"],
  ["redact_count", "bigint"],
  ["first_at_ms", "bigint"],
  ["last_at_ms", "bigint"],
];

const namesOf = <Row>(columns: readonly Column<Row>[]): string => columns.map(([name]) => name).join(", ");

/** `unnest($3::text[], $4::bigint[])` for parameters after the first `offset`. */
function unfold<Row>(columns: readonly Column<Row>[], offset: number): string {
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
  ${mergeRunSql({ least: "least", greatest: "greatest" })}`;

/** Each for the version that came with its revision or last before it; a policy that the control plane does not have counts nowhere. */
const countShadows = (offset: number, condition: string): string => `insert into policy_shadow_counts (workspace_id,
  policy_id, version, decision_count, block_count, hold_count, redact_count, first_at_ms, last_at_ms)
  select given.workspace_id, given.policy_id, found.version, sum(given.decision_count)::bigint, sum(given.block_count)::bigint,
  sum(given.hold_count)::bigint, sum(given.redact_count)::bigint, min(given.first_at_ms), max(given.last_at_ms)
  from ${unfold(SHADOW_COLUMNS, offset)} as given (${namesOf(SHADOW_COLUMNS)})
  cross join lateral (select version from policy_versions where workspace_id = given.workspace_id
  and policy_id = given.policy_id and revision <= given.revision order by version desc limit 1) as found${condition}
  group by given.workspace_id, given.policy_id, found.version
  order by given.workspace_id, given.policy_id, found.version
  ${mergeShadowSql({ least: "least", greatest: "greatest" })}`;

const COUNT_SHADOWS = countShadows(0, "");

const INSERT_EVENTS = `${insertEvents(0)} returning workspace_id, event_id`;

const UPSERT_RUNS = upsertRuns(0, "");

const INSERT_DROPPED = `insert into dropped_ranges (workspace_id, run_id, from_seq, to_seq)
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as given (workspace_id, run_id, from_seq, to_seq)
  order by workspace_id, run_id, from_seq, to_seq
  on conflict do nothing returning workspace_id, run_id, from_seq, to_seq`;

const COUNT_PARAMETER = EVENT_COLUMNS.length + RUN_COLUMNS.length + 1;

/** The division fails, and with it the whole statement, where an event was there already. */
const insertAllNew = (shadows: string): string => `with stored as (${insertEvents(0)} returning 1),
  counted as (select count(*)::int as stored_count from stored),
  counters as (${upsertRuns(EVENT_COLUMNS.length, " cross join counted where counted.stored_count > 0")} returning 1)${shadows}
  select 1 / (stored_count = $${COUNT_PARAMETER}::int)::int as is_all from counted`;

const INSERT_ALL_NEW = insertAllNew("");

/** The runs' rows are locked before those of policies, as everywhere. */
const INSERT_ALL_NEW_WITH_SHADOWS = insertAllNew(`,
  runs_done as (select count(*) as run_count from counters),
  shadows as (${countShadows(COUNT_PARAMETER, " cross join runs_done where runs_done.run_count > 0")} returning 1)`);

/** One array for each column, in the columns' order. */
function columnArrays<Row extends Readonly<Record<keyof Row, string | number | null>>>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): readonly Buffer[] {
  return columns.map(([name, type]) =>
    type === "text"
      ? textArray(rows.map((row) => textOf(row[name])))
      : bigintArray(rows.map((row) => numberOf(row[name]))),
  );
}

const textOf = (value: string | number | null): string | null => (typeof value === "number" ? String(value) : value);

const numberOf = (value: string | number | null): number | null => (value === null ? null : Number(value));

const eventValues = (rows: readonly EventRow[]): readonly Buffer[] =>
  columnArrays(EVENT_COLUMNS, rows.map(toEventTableRow));

const runValues = (deltas: readonly RunDelta[]): readonly Buffer[] => columnArrays(RUN_COLUMNS, deltas.map(toRunRow));

const shadowValues = (deltas: readonly ShadowDelta[]): readonly Buffer[] =>
  columnArrays(SHADOW_COLUMNS, deltas.map(toShadowRow));

function toShadowRow(delta: ShadowDelta): ShadowRow {
  return {
    workspace_id: delta.workspaceId,
    policy_id: delta.policyId,
    revision: delta.revision,
    decision_count: delta.decisionCount,
    block_count: delta.blockCount,
    hold_count: delta.holdCount,
    redact_count: delta.redactCount,
    first_at_ms: delta.firstAtMs,
    last_at_ms: delta.lastAtMs,
  };
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

/** Adds to the counts of policies in shadow. */
export function countShadowsStatement(deltas: readonly ShadowDelta[]): BatchStatement {
  return { text: COUNT_SHADOWS, values: shadowValues(deltas) };
}

/** Stores events and adds to all counters in one round trip. Fails with `22012`, and does nothing, unless all events are new. */
export function insertAllNewStatement(
  rows: readonly EventRow[],
  deltas: { readonly runs: readonly RunDelta[]; readonly shadows: readonly ShadowDelta[] },
): { readonly text: string; readonly values: readonly (Buffer | number)[] } {
  const values = [...eventValues(rows), ...runValues(deltas.runs), rows.length];
  if (deltas.shadows.length === 0) return { text: INSERT_ALL_NEW, values };
  return { text: INSERT_ALL_NEW_WITH_SHADOWS, values: [...values, ...shadowValues(deltas.shadows)] };
}
