import { Handlebar, type HandlebarClient, type Run, type ToolDecision } from "@handlebar/core";
import { createSimRuntime, type SeededRandom } from "@handlebar/testing";
import type { SharedBudget } from "./shared-budgets.fixture.ts";
import type { SimPlane } from "./sim-plane.fixture.ts";
import { type MortalRuntime, skewedRuntime } from "./skewed-runtime.fixture.ts";
import { UsedBudget } from "./used-budget.fixture.ts";

interface Process extends MortalRuntime {
  readonly hb: HandlebarClient;
  readonly random: SeededRandom;
  run: Run;
  /** Calls of each budget that were refused since the last one was let through. */
  readonly refusedCounts: Map<UsedBudget, number>;
  /** Calls under way: what they really come to, and of which budget. */
  readonly underWay: Map<string, { readonly budget: UsedBudget; readonly amount: number }>;
}

const AGAIN_COUNT = 4;
const CALL_MS_MAX = 1_500;

/** Processes that use shared budgets as fast as they may, and what they really used. */
export class BudgetWorld {
  readonly budgets: readonly UsedBudget[];
  readonly #plane: SimPlane;
  readonly #random: SeededRandom;
  readonly #processes = new Map<number, Process>();
  #callCount = 0;
  #processCount = 0;

  constructor(plane: SimPlane, budgets: readonly SharedBudget[]) {
    this.#plane = plane;
    this.#random = plane.random.fork("world");
    this.budgets = budgets.map((budget) => new UsedBudget(budget, plane));
  }

  /** Every process that lives was refused several times in a row by every budget that can end, and nothing is under way. */
  get isExhausted(): boolean {
    const ending = this.budgets.filter(({ budget }) => !budget.refills);
    return [...this.#processes.values()].every(
      ({ refusedCounts, underWay }) =>
        [...underWay.values()].every(({ budget }) => !ending.includes(budget)) &&
        ending.every((budget) => (refusedCounts.get(budget) ?? 0) >= AGAIN_COUNT),
    );
  }

  /** Puts a new process in a place. */
  start(place: number): void {
    const name = `process ${this.#processCount++}`;
    const random = this.#random.fork(name);
    const { clock, network, origin, agentKey } = this.#plane;
    const { runtime } = createSimRuntime(random.seed, { clock, network });
    const mortal = skewedRuntime(runtime, {
      offsetMs: random.int(-3_600_000, 3_600_000),
      rate: 0.95 + random.next() * 0.1,
    });
    const hb = Handlebar.init({
      agent: { slug: "support" },
      apiKey: agentKey,
      endpoint: origin,
      failClosed: true,
      sinks: [],
      runtime: mortal.runtime,
    });
    const process: Process = {
      ...mortal,
      hb,
      random,
      run: hb.startRun(),
      refusedCounts: new Map(),
      underWay: new Map(),
    };
    this.#processes.set(place, process);
    void this.#work(place, process);
  }

  /** The process dies in the middle of its calls; what these come to is used, and nobody is told. */
  kill(place: number): void {
    this.#take(place)?.kill();
  }

  /** The process ends in peace. */
  async leave(place: number): Promise<void> {
    await this.#take(place)?.hb.shutdown();
  }

  stop(): void {
    for (const place of [...this.#processes.keys()]) this.kill(place);
  }

  #take(place: number): Process | undefined {
    const process = this.#processes.get(place);
    this.#processes.delete(place);
    for (const { budget, amount } of process?.underWay.values() ?? []) budget.end(amount);
    process?.underWay.clear();
    return process;
  }

  async #work(place: number, process: Process): Promise<void> {
    const { random } = process;
    for (;;) {
      await this.#sleep(random.int(20, 300));
      if (this.#processes.get(place) !== process) return;
      const wanted = this.budgets.filter(
        (budget) => budget.budget.refills || (process.refusedCounts.get(budget) ?? 0) < AGAIN_COUNT,
      );
      if (process.run.terminated) process.run = process.hb.startRun();
      await this.#call(process, random.pick(wanted), () => this.#processes.get(place) !== process);
    }
  }

  async #call(process: Process, budget: UsedBudget, isOver: () => boolean): Promise<void> {
    const { random, run } = process;
    const callId = `call ${this.#callCount++}`;
    const amount = budget.draw(random);
    const decision = await run.beforeTool({ name: budget.budget.tool, args: {}, callId });
    if (isOver()) return;
    budget.note(decision);
    if (decision.verdict === "BLOCK") {
      const isRefused = decision.cause.kind === "BUDGET_EXHAUSTED";
      if (isRefused) process.refusedCounts.set(budget, (process.refusedCounts.get(budget) ?? 0) + 1);
      return;
    }
    process.refusedCounts.set(budget, 0);
    budget.begin(amount);
    process.underWay.set(callId, { budget, amount });
    // Calls overlap.
    void this.#finish(process, { decision, run, isOver });
  }

  async #finish(
    process: Process,
    call: { readonly decision: ToolDecision; readonly run: Run; readonly isOver: () => boolean },
  ): Promise<void> {
    await this.#sleep(process.random.int(1, CALL_MS_MAX));
    const { callId } = call.decision;
    const known = process.underWay.get(callId);
    if (call.isOver() || known === undefined) return;
    process.underWay.delete(callId);
    known.budget.end(known.amount);
    await call.run.afterTool(call.decision, { result: "done", metrics: { usd: known.amount } });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#plane.clock.timers.set(resolve, ms);
    });
  }
}
