import type { CheckFacts, Decision } from "@handlebar/protocol";
import { LEGACY_CALL_COUNT_MAX, LEGACY_RUN_COUNT_MAX } from "../limits.ts";
import type { Store } from "../storage/store.ts";
import type { CheckService } from "./check-service.ts";
import type { RunMemory } from "./run-memory.ts";
import type { ServerRuntime } from "./server-runtime.ts";

/** What a client of the first protocol says of a call. */
export interface LegacyCheck extends Pick<CheckFacts, "args" | "result" | "metrics" | "subjects"> {
  readonly agentId: string;
  readonly runId: string;
  readonly phase: "tool.before" | "tool.after";
  readonly tool: { readonly name: string; readonly tags?: string[] | undefined };
  readonly actorExternalId: string | undefined;
  readonly tags: Record<string, string> | undefined;
}

export interface LegacyChecksDeps {
  readonly store: Pick<Store, "runs">;
  readonly runtime: Pick<ServerRuntime, "newId">;
  readonly check: Pick<CheckService, "check">;
  readonly memory: Pick<RunMemory, "ended">;
}

interface OpenCall {
  readonly tool: string;
  readonly callId: string;
}

/** Decides for clients that give their calls no ids and tell of their run's actor and session when it starts alone. */
export class LegacyChecks {
  readonly #deps: LegacyChecksDeps;
  /** Calls that were let through and have not ended, by run, oldest first. */
  readonly #open = new Map<string, OpenCall[]>();

  constructor(deps: LegacyChecksDeps) {
    this.#deps = deps;
  }

  /** @throws ServiceProblem as `CheckService.check` does. */
  async check(workspaceId: string, given: LegacyCheck): Promise<Decision> {
    const { agentId, runId, phase, tool, actorExternalId, tags, args, result, metrics, subjects } = given;
    const run = await this.#deps.store.runs.get(workspaceId, runId);
    // Another process may have taken the end of the run.
    if (run?.endedAtMs !== undefined) this.#deps.memory.ended(workspaceId, runId);
    const known = run?.actor?.externalId === actorExternalId || actorExternalId === undefined ? run?.actor : undefined;
    const actor = known ?? (actorExternalId === undefined ? undefined : { externalId: actorExternalId });
    const name = `${workspaceId}\n${runId}`;
    const callId = phase === "tool.after" ? this.#ended(name, tool.name) : undefined;
    const facts: CheckFacts = {
      phase,
      runId,
      ...(run?.sessionId === undefined ? {} : { sessionId: run.sessionId }),
      ...(actor === undefined ? {} : { actor }),
      runTags: { ...run?.tags, ...tags },
      callId: callId ?? this.#deps.runtime.newId(),
      tool: { name: tool.name, ...(tool.tags === undefined ? {} : { tags: tool.tags }) },
      args,
      result,
      metrics,
      subjects,
    };
    const [decision] = await this.#deps.check.check(workspaceId, { agentId, facts, hold: true });
    if (decision === undefined) throw new TypeError("one call has one decision");
    if (phase === "tool.before" && decision.verdict === "ALLOW") {
      this.#started(name, { tool: tool.name, callId: facts.callId ?? "" });
    }
    return decision;
  }

  #started(name: string, call: OpenCall): void {
    const calls = [...(this.#open.get(name) ?? []), call].slice(-LEGACY_CALL_COUNT_MAX);
    this.#open.delete(name);
    this.#open.set(name, calls);
    const [oldest] = this.#open.keys();
    if (this.#open.size > LEGACY_RUN_COUNT_MAX && oldest !== undefined) this.#open.delete(oldest);
  }

  /** Of several calls of one tool the oldest is taken to have ended. */
  #ended(name: string, tool: string): string | undefined {
    const calls = this.#open.get(name) ?? [];
    const ended = calls.find((call) => call.tool === tool);
    const rest = calls.filter((call) => call !== ended);
    if (rest.length === 0) this.#open.delete(name);
    else this.#open.set(name, rest);
    return ended?.callId;
  }
}
