import { compareIds, rowKey } from "./batches.ts";
import { timeOf } from "./event-columns.ts";
import type { EventRow, ShadowOutcome } from "./events-table.ts";

/** What new events add to the counts of one policy in shadow, at the version that was in force with a revision. */
export interface ShadowDelta {
  readonly workspaceId: string;
  readonly policyId: string;
  readonly revision: number;
  readonly decisionCount: number;
  readonly blockCount: number;
  readonly holdCount: number;
  readonly redactCount: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

type Draft = { -readonly [K in keyof ShadowDelta]: ShadowDelta[K] };

/** One for each policy and revision that new events tell of, in the order of their keys. */
export function shadowDeltas(rows: readonly EventRow[]): readonly ShadowDelta[] {
  const drafts = new Map<string, Draft>();
  for (const row of rows) {
    if (row.shadow === undefined) continue;
    const { revision, outcomes } = row.shadow;
    for (const { policyId, would } of outcomes) {
      const key = rowKey(rowKey(row.workspaceId, policyId), String(revision));
      const draft = drafts.get(key) ?? newDraft(row, policyId, revision);
      drafts.set(key, draft);
      add(draft, would, timeOf(row));
    }
  }
  return [...drafts.values()].toSorted(
    (a, b) => compareIds(a.workspaceId, b.workspaceId) || compareIds(a.policyId, b.policyId) || a.revision - b.revision,
  );
}

function newDraft(row: EventRow, policyId: string, revision: number): Draft {
  const atMs = timeOf(row);
  return {
    workspaceId: row.workspaceId,
    policyId,
    revision,
    decisionCount: 0,
    blockCount: 0,
    holdCount: 0,
    redactCount: 0,
    firstAtMs: atMs,
    lastAtMs: atMs,
  };
}

function add(draft: Draft, would: ShadowOutcome["would"], atMs: number): void {
  draft.decisionCount += 1;
  if (would === "block") draft.blockCount += 1;
  if (would === "hitl") draft.holdCount += 1;
  if (would === "redact") draft.redactCount += 1;
  draft.firstAtMs = Math.min(draft.firstAtMs, atMs);
  draft.lastAtMs = Math.max(draft.lastAtMs, atMs);
}

/**
 * What follows an insert into `policy_shadow_counts`, so that counts that are there take the delta on. `least` and `greatest` name the
 * database's own functions.
 */
export function mergeShadowSql({ least, greatest }: { readonly least: string; readonly greatest: string }): string {
  const table = "policy_shadow_counts";
  return `on conflict (workspace_id, policy_id, version) do update set
    decision_count = ${table}.decision_count + excluded.decision_count,
    block_count = ${table}.block_count + excluded.block_count,
    hold_count = ${table}.hold_count + excluded.hold_count,
    redact_count = ${table}.redact_count + excluded.redact_count,
    first_at_ms = ${least}(${table}.first_at_ms, excluded.first_at_ms),
    last_at_ms = ${greatest}(${table}.last_at_ms, excluded.last_at_ms)`;
}
