/*
 * A process that uses shared budgets as fast as it may, and writes down what it really does. Takes its orders as JSON in its first argument; tells
 * its parent of each call, and when every budget refuses it; leaves in peace when it is told anything.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Handlebar } from "@handlebar/core";
import { createRandom, type SeededRandom } from "@handlebar/testing";
import type { ClientMessage, ClientOrders } from "./client-process.fixture.ts";
import type { ProcessBudget } from "./process-budgets.fixture.ts";
import { Witness } from "./witness.fixture.ts";

/** Calls that one process makes at a time. */
const LANE_COUNT = 3;
/** After so many refusals in a row a budget is taken to be used up. */
const AGAIN_COUNT = 4;
const CALL_MS_MAX = 50;
const PAUSE_MS_MAX = 10;
const REFUSED_PAUSE_MS = [150, 350] as const;

// `startClientProcess` writes the argument.
const orders = JSON.parse(process.argv[2] ?? "{}") as ClientOrders;
const witness = new Witness(orders.witnessFolder, orders.name);
const hb = Handlebar.init({
  agent: { slug: "support" },
  apiKey: orders.apiKey,
  endpoint: orders.origin,
  failClosed: true,
  sinks: [],
  logger: { debug: ignore, warn: ignore, error: ignore },
});
let run = hb.startRun();
let isLeaving = false;

function ignore(): void {
  return;
}

function tell(message: ClientMessage): void {
  process.send?.(message);
}

/** What the call will come to: known to the tool alone until it has ended. */
function draw({ of, estimate }: ProcessBudget, random: SeededRandom): number {
  return of === "calls" ? 1 : Math.round(random.next() * estimate * 1000) / 1000;
}

/** Makes one call, if it may. @returns what came of it. */
async function call(budget: ProcessBudget, random: SeededRandom): Promise<"made" | "refused" | "unavailable"> {
  if (run.terminated) run = hb.startRun();
  const within = run;
  const amount = draw(budget, random);
  const { name, of } = budget;
  const proposed = { name, args: {} };
  const decision = of === "model" ? await within.beforeLlm({ messages: [] }) : await within.beforeTool(proposed);
  if (decision.verdict === "BLOCK") return decision.cause.kind === "BUDGET_EXHAUSTED" ? "refused" : "unavailable";
  witness.begins(name, amount);
  tell({ kind: "used", budget: name, amount });
  await sleep(random.int(1, CALL_MS_MAX));
  if ("args" in decision) await within.afterTool(decision, { result: "done", metrics: { usd: amount } });
  else await within.afterLlm({ callId: decision.callId, usage: { costUsd: amount } });
  return "made";
}

async function work(random: SeededRandom): Promise<void> {
  const refusedCounts = new Map<ProcessBudget, number>();
  while (!isLeaving) {
    const open = orders.budgets.filter((budget) => (refusedCounts.get(budget) ?? 0) < AGAIN_COUNT);
    if (open.length === 0) return;
    const budget = random.pick(open);
    const outcome = await call(budget, random);
    if (outcome === "made") refusedCounts.delete(budget);
    if (outcome === "refused") refusedCounts.set(budget, (refusedCounts.get(budget) ?? 0) + 1);
    await sleep(outcome === "made" ? random.int(0, PAUSE_MS_MAX) : random.int(...REFUSED_PAUSE_MS));
  }
}

const random = createRandom(orders.seed);
const lanes = Array.from({ length: LANE_COUNT }, (_, at) => work(random.fork(`lane ${at}`)));
const worked = Promise.all(lanes).then(() => tell({ kind: "done" }));

async function leave(): Promise<void> {
  isLeaving = true;
  await worked;
  await hb.shutdown();
  process.disconnect();
}
process.on("message", () => void leave());
