import { createRunState, endsRun, findLockdown } from "@handlebar/engine";
import type { EndRunBody, Lockdown, StartRunBody } from "@handlebar/protocol";
import type { Page, PageRequest } from "../storage/page.ts";
import type { RunFilter, RunRecord } from "../storage/runs-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import { ServiceProblem } from "./problem.ts";
import type { RunMemory } from "./run-memory.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import type { WorkspaceStates } from "./workspace-states.ts";

export type { RunRecord } from "../storage/runs-table.ts";

export interface RunsServiceDeps {
  readonly store: Pick<Store, "runs">;
  readonly runtime: Pick<ServerRuntime, "nowMs">;
  readonly agents: Pick<AgentsService, "require">;
  readonly states: Pick<WorkspaceStates, "get">;
  readonly memory: Pick<RunMemory, "ended">;
}

/** Sequence numbers of a run that are missing without an explanation; both ends are included. */
export interface SeqGap {
  readonly from: number;
  readonly to: number;
}

/** Runs, from their start to their end. */
export class RunsService {
  readonly #deps: RunsServiceDeps;

  constructor(deps: RunsServiceDeps) {
    this.#deps = deps;
  }

  /** Opens a run; the same start twice is one. @returns the stop order that covers it, if any. @throws ServiceProblem `HB_NOT_FOUND` (agent). */
  async start(workspaceId: string, runId: string, body: StartRunBody): Promise<Lockdown | undefined> {
    const { agents, store, runtime, states } = this.#deps;
    const { agentId, sessionId, actor, model, tags = {} } = body;
    const { slug } = await agents.require(workspaceId, agentId);
    const nowMs = runtime.nowMs();
    await store.runs.start({ workspaceId, runId, agent: slug, sessionId, actor, model, tags, startedAtMs: nowMs });
    const { lockdowns } = await states.get(workspaceId);
    if (lockdowns.length === 0) return undefined;
    return findLockdown({
      phase: "llm.before",
      nowMs,
      agent: { slug, tags: [] },
      actor,
      run: { runId, sessionId, startedAtMs: nowMs, status: "open", tags, context: {}, state: createRunState() },
      lockdowns: lockdowns.filter(endsRun),
      failClosed: true,
      enforceMode: "enforce",
    });
  }

  /** The first status stands. @throws ServiceProblem `HB_NOT_FOUND` (agent). */
  async end(workspaceId: string, runId: string, { agentId, status }: EndRunBody): Promise<void> {
    const { agents, store, runtime, memory } = this.#deps;
    const { slug } = await agents.require(workspaceId, agentId);
    await store.runs.end(workspaceId, runId, { agent: slug, status, atMs: runtime.nowMs() });
    memory.ended(workspaceId, runId);
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get(
    workspaceId: string,
    runId: string,
  ): Promise<{ readonly run: RunRecord; readonly gaps: readonly SeqGap[] }> {
    const run = await this.#deps.store.runs.get(workspaceId, runId);
    if (run === undefined) throw noRun(runId);
    return { run, gaps: await this.#deps.store.runs.gaps(workspaceId, runId) };
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async require(workspaceId: string, runId: string): Promise<void> {
    if ((await this.#deps.store.runs.get(workspaceId, runId)) === undefined) throw noRun(runId);
  }

  /** Newest first. */
  list(workspaceId: string, filter: RunFilter, page: PageRequest): Promise<Page<RunRecord>> {
    return this.#deps.store.runs.list(workspaceId, filter, page);
  }
}

function noRun(runId: string): ServiceProblem {
  const message = `there is no run \`${runId}\` in this workspace`;
  return new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "runId" });
}
