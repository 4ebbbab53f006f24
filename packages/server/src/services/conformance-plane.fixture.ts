import type { CheckBody, Decision, Lockdown } from "@handlebar/protocol";
import type { ConformanceCase, ConformanceWorld } from "@handlebar/testing";
import type { Store } from "../storage/store.ts";
import type { CasePlane } from "./conformance.fixture.ts";
import { toStored } from "./policy-form.ts";
import { RunMemory } from "./run-memory.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import type { Services } from "./services.ts";

export interface StorePlaneDeps {
  readonly workspaceId: string;
  readonly store: Store;
  readonly runtime: ServerRuntime;
  readonly services: Services;
  readonly setTime: (nowMs: number) => void;
  readonly check: (body: CheckBody) => Promise<Decision>;
}

/** A workspace whose world is written into the store; how it is asked is the test's. */
export class StorePlane implements CasePlane {
  readonly #deps: StorePlaneDeps;
  readonly #lockdownIds: string[] = [];
  shared: ConformanceWorld["shared"];
  approval: ConformanceWorld["approval"];

  constructor(deps: StorePlaneDeps) {
    this.#deps = deps;
  }

  setTime(nowMs: number): void {
    this.#deps.setTime(nowMs);
  }

  async setAgent(agent: ConformanceWorld["agent"]): Promise<void> {
    const { workspaceId, store, services, runtime } = this.#deps;
    await store.workspaces.create({ workspaceId, name: "case", createdAtMs: runtime.nowMs() });
    await services.agents.register(workspaceId, agent);
    await services.states.fresh(workspaceId);
  }

  async setPolicies(policies: ConformanceCase["policies"]): Promise<void> {
    const { workspaceId, store, services, runtime } = this.#deps;
    const writes = policies.map(toStored).map((policy) => ({ policyId: policy.id ?? "", policy }));
    await store.policies.write(workspaceId, writes, { keyId: "test", nowMs: runtime.nowMs() });
    await services.states.fresh(workspaceId);
  }

  async setLockdowns(lockdowns: readonly Lockdown[]): Promise<void> {
    const { workspaceId, store, services, runtime } = this.#deps;
    const nowMs = runtime.nowMs();
    for (const lockdownId of this.#lockdownIds.splice(0)) {
      await store.lockdowns.lift(workspaceId, lockdownId, { keyId: "test", nowMs });
    }
    for (const lockdown of lockdowns) {
      await store.lockdowns.create({ workspaceId, lockdown, createdAtMs: nowMs, createdBy: "test" });
      this.#lockdownIds.push(lockdown.lockdownId);
    }
    await services.states.fresh(workspaceId);
  }

  setShared(shared: ConformanceWorld["shared"]): void {
    this.shared = shared;
  }

  setApproval(approval: ConformanceWorld["approval"]): void {
    this.approval = approval;
  }

  async startRun(runId: string, run: NonNullable<ConformanceWorld["run"]> & { readonly agent: string }): Promise<void> {
    const { workspaceId, store, runtime } = this.#deps;
    const nowMs = runtime.nowMs();
    const { agent, sessionId, tags = {}, startedAtMs = nowMs, status = "open" } = run;
    const started = { agent, sessionId, actor: undefined, model: undefined, tags, startedAtMs };
    await store.runs.start({ workspaceId, runId, ...started });
    if (status === "ended") await store.runs.end(workspaceId, runId, { agent, status: "success", atMs: nowMs });
    if (status !== "terminated") return;
    const memory = new RunMemory({ store, runtime });
    await memory.use({ workspaceId, runId, sessionId }, false, (held) => Promise.resolve(held.terminate()));
  }

  check(body: CheckBody): Promise<Decision> {
    return this.#deps.check(body);
  }
}
