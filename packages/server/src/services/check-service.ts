import type { CheckBody, CheckFacts, Decision } from "@handlebar/protocol";
import type { AgentsService } from "./agents-service.ts";
import { type CheckCall, checkCall } from "./check-call.ts";
import type { CheckWorld } from "./check-facts.ts";
import type { ApprovalDesk } from "./held-check.ts";
import { remembersRuns, subsetOf } from "./policy-sets.ts";
import type { HeldRun, RunMemory } from "./run-memory.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import type { SharedCall, WindowCall } from "./shared-windows.ts";
import type { WorkspaceStates } from "./workspace-states.ts";

export interface CheckServiceDeps {
  readonly runtime: Pick<ServerRuntime, "nowMs" | "newId">;
  readonly states: Pick<WorkspaceStates, "get">;
  readonly agents: Pick<AgentsService, "require" | "toolsOf">;
  readonly approvals: ApprovalDesk;
  readonly memory: Pick<RunMemory, "use">;
  readonly windows: { open(call: WindowCall): SharedCall };
}

/** Decides calls on the server with the engine that clients decide with, remembering what runs did so that clients need not. */
export class CheckService {
  readonly #deps: CheckServiceDeps;

  constructor(deps: CheckServiceDeps) {
    this.#deps = deps;
  }

  /**
   * One decision for each of the facts, decided in order: what was let through counts for what follows.
   * `keyId` is the key that asks.
   * @throws ServiceProblem `HB_NOT_FOUND` (agent), `HB_OVERLOADED`.
   */
  async check(workspaceId: string, body: CheckBody, keyId?: string): Promise<readonly Decision[]> {
    const { agents, states } = this.#deps;
    const agent = await agents.require(workspaceId, body.agentId);
    const [snapshot, tools] = await Promise.all([states.get(workspaceId), agents.toolsOf(workspaceId, agent)]);
    const set = subsetOf(snapshot.setFor(agent), body.policies);
    const facts = Array.isArray(body.facts) ? body.facts : [body.facts];
    const agentFacts = { slug: agent.slug, tags: agent.tags ?? [] };
    const { failClosed = true, enforceMode = "enforce" } = body;
    const world = { agent: agentFacts, tools, lockdowns: snapshot.lockdowns, failClosed, enforceMode };
    const calls = facts.map((given) => this.#callOf(workspaceId, given, { body, set, world, keyId }));
    const remembers = remembersRuns(set, agentFacts);
    const decisions: Decision[] = [];
    for (const group of groupsOf(calls)) {
      const [{ given }] = group;
      const key = { workspaceId, runId: given.runId, sessionId: given.sessionId };
      decisions.push(...(await this.#deps.memory.use(key, remembers, (run) => checkAll(group, run))));
    }
    return decisions;
  }

  #callOf(
    workspaceId: string,
    given: CheckFacts,
    known: {
      readonly body: CheckBody;
      readonly set: CheckCall["set"];
      readonly keyId: string | undefined;
      readonly world: Omit<CheckWorld, "nowMs" | "callId">;
    },
  ): CheckCall {
    const { runtime, approvals, windows } = this.#deps;
    const { body, set, world, keyId } = known;
    // Most calls need neither: an id is made for those alone that do.
    let operationId: string | undefined;
    const idOf = (): string => {
      operationId ??= runtime.newId();
      return operationId;
    };
    let opened: SharedCall | undefined;
    return {
      workspaceId,
      keyId,
      given,
      set,
      world: { ...world, nowMs: runtime.nowMs(), callId: given.callId ?? idOf() },
      windows: () => {
        opened ??= windows.open({ workspaceId, operationId: idOf(), policies: set.policies });
        return opened;
      },
      approvals: body.hold === true ? approvals : undefined,
      operationId: idOf,
    };
  }
}

/** Calls of one run that follow each other are decided together, and what they change is written once. */
function groupsOf(calls: readonly CheckCall[]): readonly (readonly [CheckCall, ...CheckCall[]])[] {
  const groups: [CheckCall, ...CheckCall[]][] = [];
  for (const call of calls) {
    const last = groups.at(-1);
    if (last !== undefined && isSameRun(last[0].given, call.given)) last.push(call);
    else groups.push([call]);
  }
  return groups;
}

function isSameRun(a: CheckFacts, b: CheckFacts): boolean {
  return a.runId === b.runId && a.sessionId === b.sessionId;
}

async function checkAll(calls: readonly CheckCall[], run: HeldRun): Promise<readonly Decision[]> {
  const decisions: Decision[] = [];
  for (const call of calls) decisions.push(await checkCall(call, run));
  return decisions;
}
