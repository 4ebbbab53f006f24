import type { Approval, ApprovalAnswer } from "@handlebar/protocol";
import type { AdapterMode, AdapterSubject } from "../adapter-contract/adapter-subject.ts";
import { ContractWorld } from "../adapter-contract/contract-world.ts";
import { RequestProblem } from "../control-plane/plane-answer.ts";
import type { ScriptedControlPlane } from "../scripted-control-plane.ts";
import { AdapterAttackedAgent, type RunOwner } from "./adapter-attacked-agent.ts";
import { ATTACK_POLICY, type AttackedAgent, type AttackedAgentOptions, type AttackWorld } from "./attacked-agent.ts";

const EXPIRY_STEP_MS = 100;
const EXPIRY_STEP_COUNT_MAX = 100;

/** Agents of one framework, in one of its modes, against the scripted control plane in fake time. Close it. */
export class AdapterAttackWorld implements AttackWorld {
  readonly #world: ContractWorld;
  readonly #plane: ScriptedControlPlane;
  readonly #owner: RunOwner;
  readonly #agents: AdapterAttackedAgent[] = [];
  /** The adapter names its own runs: their ids by the name that the case knows them by. */
  readonly #runIds = new Map<string, string[]>();

  constructor(subject: AdapterSubject, mode: AdapterMode, owner: RunOwner) {
    this.#world = new ContractWorld(subject, mode);
    this.#plane = this.#world.plane(ATTACK_POLICY.rules);
    this.#owner = owner;
  }

  newRunId(): string {
    const runId = this.#world.sim.ids.next();
    this.#runIds.set(runId, []);
    return runId;
  }

  async agent(options: AttackedAgentOptions): Promise<AttackedAgent> {
    const known = this.#runIds.get(options.runId) ?? [];
    const agent = new AdapterAttackedAgent(this.#world, {
      ...options,
      owner: this.#owner,
      // Who has nothing but the id of a run goes on with it by that id.
      runId: known[0] ?? (this.#owner === "program" ? options.runId : undefined),
      onRun: (runId) => void this.#runIds.set(options.runId, [...(this.#runIds.get(options.runId) ?? []), runId]),
    });
    this.#agents.push(agent);
    await agent.ready();
    return agent;
  }

  async approvals(runId: string): Promise<readonly Approval[]> {
    await this.#world.turn();
    const runIds = this.#runIds.get(runId) ?? [];
    return this.#plane.approvals().filter((approval) => runIds.includes(approval.runId));
  }

  answer(approvalId: string, answer: ApprovalAnswer): Promise<number> {
    return statusOf(() => this.#plane.resolveApproval(approvalId, answer));
  }

  cancel(approvalId: string): Promise<number> {
    return statusOf(() => this.#plane.cancelApproval(approvalId));
  }

  async untilExpired(approvalId: string): Promise<void> {
    const isExpired = (): boolean =>
      this.#plane.approvals().some((one) => one.approvalId === approvalId && one.status === "expired");
    for (let step = 0; step < EXPIRY_STEP_COUNT_MAX && !isExpired(); step++) {
      await this.#world.sim.clock.advance(EXPIRY_STEP_MS);
    }
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) await agent.close();
    await this.#world.close();
  }
}

async function statusOf(act: () => unknown): Promise<number> {
  try {
    act();
    return 200;
  } catch (error) {
    if (error instanceof RequestProblem) return error.problem.status;
    throw error;
  }
}
