import { EventEmitter, once } from "node:events";
import { budgetKeyText } from "@handlebar/engine";
import { createdKeySchema } from "@handlebar/protocol";
import { createLog, loadServerConfig, openStore } from "@handlebar/server";
import { createRandom, type SeededRandom } from "@handlebar/testing";
import { type ClientProcess, startClientProcess } from "./client-process.fixture.ts";
import { type FaultyProxy, openFaultyProxy } from "./faulty-proxy.fixture.ts";
import { type ProcessBudget, policyOf, WINDOW_MS } from "./process-budgets.fixture.ts";
import { type ServerPlace, type ServerProcess, startServerProcess } from "./server-process.fixture.ts";
import { readWitnesses } from "./witness.fixture.ts";

/** What happens while the budgets are used. */
export type Mishap = "a client is killed" | "a client leaves" | "the server is killed";

export interface RoundPlan extends Omit<ServerPlace, "firstKey"> {
  readonly seed: string;
  readonly budgets: readonly ProcessBudget[];
  readonly clientCount: number;
  readonly mishaps: readonly Mishap[];
  /** How many of the requests about leases get lost, come late or come twice, from 0 to 1. */
  readonly faultShare: number;
}

/** What came of one budget. */
export interface BudgetOutcome {
  readonly budget: ProcessBudget;
  readonly callCount: number;
  /** What was really used, whoever knows of it. */
  readonly used: number;
  /** By how much that is more than there was. */
  readonly overshoot: number;
  /** What the control plane counts as used in the end: what clients had leased that ended without a word is among it. */
  readonly counted: number;
}

export interface RoundOutcome {
  readonly budgets: readonly BudgetOutcome[];
  readonly faultCounts: ReadonlyMap<string, number>;
  readonly durationMs: number;
}

const FIRST_KEY = `hb_budgets000_${"k".repeat(43)}`;
const BUDGET_PATH = /\/metrics\/budget$/;
/** Between which shares of the budgets mishaps happen. */
const MISHAPS_FROM = 0.1;
const MISHAPS_TO = 0.8;

/** Has processes use budgets until these are used up, with mishaps at random moments, and counts what they really used. */
export async function budgetRound(plan: RoundPlan): Promise<RoundOutcome> {
  const startedMs = performance.now();
  const random = createRandom(plan.seed);
  const proxy = await openFaultyProxy({
    random: random.fork("proxy"),
    path: BUDGET_PATH,
    faultShare: plan.faultShare,
  });
  const round = new Round(plan, random, proxy);
  try {
    await round.run();
  } finally {
    await round.end();
    await proxy.close();
  }
  const budgets = await outcomesOf(plan);
  return { budgets, faultCounts: proxy.counts, durationMs: performance.now() - startedMs };
}

class Round {
  readonly #plan: RoundPlan;
  readonly #random: SeededRandom;
  readonly #proxy: FaultyProxy;
  readonly #clients = new Map<number, ClientProcess>();
  readonly #used = new Map<string, number>();
  readonly #changes = new EventEmitter<{ change: []; error: [Error] }>();
  #clientCount = 0;
  #apiKey = "";
  /** The one that runs, or is about to. */
  #server: Promise<ServerProcess> | undefined;

  constructor(plan: RoundPlan, random: SeededRandom, proxy: FaultyProxy) {
    this.#plan = plan;
    this.#random = random;
    this.#proxy = proxy;
  }

  async run(): Promise<void> {
    await this.#startServer();
    await this.#call("PUT", "/v1/agents", { slug: "support" });
    await this.#call("PUT", "/v1/policies", { policies: [policyOf(this.#plan.budgets)] });
    this.#apiKey = createdKeySchema.parse(await this.#call("POST", "/v1/keys", { name: "sdk" })).secret;
    for (let place = 0; place < this.#plan.clientCount; place++) this.#startClient(place);
    const mishaps = this.#random.shuffle(this.#plan.mishaps);
    for (const [at, mishap] of mishaps.entries()) {
      const part = (at + this.#random.next()) / mishaps.length;
      await this.#until(() => this.#isOver || this.#progress >= MISHAPS_FROM + part * (MISHAPS_TO - MISHAPS_FROM));
      await this.#suffer(mishap);
    }
    await this.#server;
    await this.#until(() => this.#isOver);
    await Promise.all([...this.#clients.values()].map((client) => client.leave()));
    this.#clients.clear();
  }

  /** Ends whatever runs. */
  async end(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.kill()));
    await (await this.#server)?.stop();
  }

  /** Every client was refused by every budget, or more was used than there was. */
  get #isOver(): boolean {
    const isOvershot = this.#plan.budgets.some(({ name, limit }) => (this.#used.get(name) ?? 0) > limit + 1e-6);
    return isOvershot || [...this.#clients.values()].every(({ isDone }) => isDone);
  }

  /** How much of the budgets is used, as far as clients have said. */
  get #progress(): number {
    const parts = this.#plan.budgets.map(({ name, limit }) => (this.#used.get(name) ?? 0) / limit);
    return parts.reduce((sum, part) => sum + part, 0) / parts.length;
  }

  async #suffer(mishap: Mishap): Promise<void> {
    if (mishap === "the server is killed") {
      await (await this.#server)?.kill();
      // What happens next may happen before it is back.
      void this.#startServer();
      return;
    }
    const place = this.#random.int(0, this.#plan.clientCount - 1);
    const client = this.#clients.get(place);
    if (mishap === "a client is killed") await client?.kill();
    else void client?.leave();
    this.#startClient(place);
  }

  #startServer(): Promise<ServerProcess> {
    const starting = startServerProcess({ ...this.#plan, firstKey: FIRST_KEY });
    this.#server = starting;
    starting.then(
      ({ origin }) => {
        this.#proxy.target = origin;
      },
      (error: Error) => this.#changes.emit("error", error),
    );
    return starting;
  }

  #startClient(place: number): void {
    const { seed, budgets, folder: witnessFolder } = this.#plan;
    const name = `client-${this.#clientCount++}`;
    const orders = { name, seed: `${seed}/${name}`, budgets, witnessFolder };
    const client = startClientProcess(
      { ...orders, origin: this.#proxy.origin, apiKey: this.#apiKey },
      {
        message: (message) => {
          if (message.kind === "used") {
            this.#used.set(message.budget, (this.#used.get(message.budget) ?? 0) + message.amount);
          }
          this.#changes.emit("change");
        },
        failed: (error) => this.#changes.emit("error", error),
      },
    );
    this.#clients.set(place, client);
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#changes, "change");
  }

  async #call(method: string, path: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.#proxy.target}${path}`, {
      method,
      headers: { authorization: `Bearer ${FIRST_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}

/** Reads what the witnesses wrote, and from the store what the control plane counts. */
async function outcomesOf({ folder, databaseUrl, budgets }: RoundPlan): Promise<readonly BudgetOutcome[]> {
  const witnessed = readWitnesses(folder);
  const flags = { folder, ...(databaseUrl === undefined ? {} : { "database-url": databaseUrl }) };
  const store = await openStore(loadServerConfig({ env: {}, flags, cwd: folder }).config, createLog("silent"));
  const outcomes: BudgetOutcome[] = [];
  for (const budget of budgets) {
    const { callCount, used } = witnessed.get(budget.name) ?? { callCount: 0, used: 0 };
    // Sums of prices are rounded.
    const overshoot = Math.max(0, Math.round((used - budget.limit) * 1e6) / 1e6);
    outcomes.push({ budget, callCount, used, overshoot, counted: await countedOf(store, budget) });
  }
  await store.close();
  return outcomes;
}

async function countedOf(store: Awaited<ReturnType<typeof openStore>>, budget: ProcessBudget): Promise<number> {
  const limit = { amount: budget.limit, windowMs: WINDOW_MS, isWhole: budget.of === "calls" };
  let sum = 0;
  for (const { workspaceId } of await store.workspaces.list()) {
    const leases = await store.budgets.leases(workspaceId);
    const lease = leases.find(({ key }) => key.ruleId === budget.name);
    if (lease === undefined) continue;
    const [read] = await store.budgets.read(workspaceId, [{ keyText: budgetKeyText(lease.key), limit }]);
    sum += read?.used ?? 0;
  }
  return sum;
}
