import { describe, expect, it } from "vitest";
import { BudgetWorld } from "./budget-world.fixture.ts";
import { CALLS, MONEY, policyOf, ROLLING } from "./shared-budgets.fixture.ts";
import { type SimPlane, startSimPlane } from "./sim-plane.fixture.ts";

const SEEDS = Array.from({ length: 8 }, (_, at) => `budgets ${at}`);
const PROCESS_COUNT = 8;
/** A seed has a lot to do, and takes long where much else runs. */
const TIMEOUT_MS = 180_000;
const BUDGET_PATH = /\/metrics\/budget$/;

interface Outcome {
  readonly overshoot: number;
  /** Of what there was, before every process was refused. */
  readonly utilisation: number;
}

function breakNetwork({ network }: SimPlane): void {
  const path = BUDGET_PATH;
  network.addFault({ path, probability: 0.03, fault: { kind: "drop" } });
  network.addFault({ path, probability: 0.03, fault: { kind: "reset" } });
  network.addFault({ path, probability: 0.03, fault: { kind: "duplicate" } });
  network.addFault({ path, probability: 0.1, fault: { kind: "delay", ms: [0, 3_000] } });
}

/** Eight processes use three budgets; some die, the server dies once, and clocks and network are what they are. */
async function simulate(seed: string): Promise<Readonly<Record<string, Outcome>>> {
  const plane = await startSimPlane(seed);
  const { clock, random } = plane;
  await plane.call("PUT", "/v1/agents", { slug: "support" });
  await plane.call("PUT", "/v1/policies", { policies: [policyOf([CALLS, MONEY, ROLLING])] });
  breakNetwork(plane);
  const world = new BudgetWorld(plane, [CALLS, MONEY, ROLLING]);
  for (let place = 0; place < PROCESS_COUNT; place++) world.start(place);
  const chance = random.fork("chance");
  for (const what of chance.shuffle(["kill", "kill", "server", "streams", "leave"])) {
    await clock.advance(chance.int(1_000, 5_000));
    // Within what a lease allows for: the database's clock is put right, one way or the other.
    plane.stepClock(chance.int(-250, 250));
    const place = chance.int(0, PROCESS_COUNT - 1);
    if (what === "streams") plane.network.cutStreams();
    else if (what === "server") await plane.crash();
    else if (what === "kill") world.kill(place);
    else void world.leave(place);
    await clock.advance(chance.int(100, 4_000));
    if (what === "server") await plane.restart();
    if (what === "kill" || what === "leave") world.start(place);
  }
  await clock.runUntil(() => world.isExhausted, 180_000);
  const outcomes = world.budgets.map(({ budget, overshoot, used }): [string, Outcome] => [
    budget.tool,
    { overshoot, utilisation: Math.round((used / budget.limit) * 1000) / 1000 },
  ]);
  world.stop();
  await plane.stop();
  return Object.fromEntries(outcomes);
}

describe("budgets shared by eight processes through a real control plane", () => {
  it.for(SEEDS)(
    "are never overshot, and used to nearly their end: seed %s",
    { timeout: TIMEOUT_MS },
    async (seed, { annotate }) => {
      const outcomes = await simulate(seed);
      const { send, pay, poll } = outcomes;
      await annotate(`${seed}: ${JSON.stringify(outcomes)}`);
      expect([send?.overshoot, pay?.overshoot, poll?.overshoot]).toEqual([0, 0, 0]);
      expect(send?.utilisation).toBeGreaterThanOrEqual(0.95);
      expect(pay?.utilisation).toBeGreaterThanOrEqual(0.95);
    },
  );
});
