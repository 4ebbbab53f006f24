import { type Kysely, sql } from "kysely";
import { RUN_GAP_COUNT_MAX } from "../limits.ts";
import type { Database } from "./schema.ts";

/** Sequence numbers of a run that no event and no explained range covers: wherever the next one starts behind all before it. */
export async function runGaps(
  db: Kysely<Database>,
  workspaceId: string,
  runId: string,
): Promise<readonly { readonly from: number; readonly to: number }[]> {
  const { rows } = await sql<{ readonly covered: number; readonly next: number }>`
    with covers as (
      select seq as from_seq, seq as to_seq from events
       where workspace_id = ${workspaceId} and run_id = ${runId} and seq >= 0
      union all
      select from_seq, to_seq from dropped_ranges where workspace_id = ${workspaceId} and run_id = ${runId}
    ), in_order as (
      select from_seq as next, coalesce(max(to_seq) over (
        order by from_seq, to_seq rows between unbounded preceding and 1 preceding), -1) as covered
       from covers
    )
    select covered, next from in_order where next > covered + 1 order by next limit ${RUN_GAP_COUNT_MAX}`.execute(db);
  return rows.map(({ covered, next }) => ({ from: covered + 1, to: next - 1 }));
}
