import type { Actor, Model, RunStatus } from "@handlebar/protocol";
import type { Page, PageRequest } from "./page.ts";

export interface RunRecord {
  readonly workspaceId: string;
  readonly runId: string;
  /** The agent's slug. */
  readonly agent: string;
  readonly sessionId: string | undefined;
  readonly actor: Actor | undefined;
  readonly model: Model | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly status: RunStatus | undefined;
  /** Events that are stored, each once. */
  readonly eventCount: number;
  /** The highest sequence number seen or explained, -1 before the first. */
  readonly seqMax: number;
  /** Sequence numbers that `events.dropped` explained. */
  readonly droppedCount: number;
  readonly decisionCount: number;
  readonly blockCount: number;
  readonly lastEventAtMs: number | undefined;
}

export interface RunFilter {
  readonly agent?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly actorExternalId?: string | undefined;
  readonly status?: RunStatus | "open" | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /**
   * Only runs of which sequence numbers are missing without an explanation, by their counts: a run whose numbers came twice may escape it, `gaps`
   * finds them all.
   */
  readonly hasGap?: boolean | undefined;
}

export interface RunsTable {
  /** Opens it, or adds what was not known (an event may have come first). The first start stands. */
  start(
    run: Pick<RunRecord, "workspaceId" | "runId" | "agent" | "sessionId" | "actor" | "model" | "tags" | "startedAtMs">,
  ): Promise<void>;
  /** The first status stands. */
  end(
    workspaceId: string,
    runId: string,
    how: { readonly agent: string; readonly status: RunStatus; readonly atMs: number },
  ): Promise<void>;
  get(workspaceId: string, runId: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  list(workspaceId: string, filter: RunFilter, page: PageRequest): Promise<Page<RunRecord>>;
  /** Sequence numbers of a run that are neither stored nor explained, as inclusive ranges, at most 1,000. */
  gaps(workspaceId: string, runId: string): Promise<readonly { readonly from: number; readonly to: number }[]>;
}
