/**
 * Has real processes use up shared budgets while clients and the server are killed, and says what they really used:
 *
 *   npm run bench -- budgets [rounds = 5] [sqlite | postgres] [seed]
 *
 * For PostgreSQL it starts one of its own for each round. The exit code is 0 when no budget was ever overshot.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { budgetRound, type Mishap, type RoundOutcome } from "../packages/cli/src/lib/processes/budget-round.fixture.ts";
import type { ProcessBudget } from "../packages/cli/src/lib/processes/process-budgets.fixture.ts";
import { startPostgres } from "../packages/server/src/storage/postgres-server.test-support.ts";

const [given = "5", store = "sqlite", seed = `budgets ${Date.now()}`] = process.argv.slice(2);
const rounds = Number(given);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("the first argument is the number of rounds");
if (store !== "sqlite" && store !== "postgres") throw new Error("the second argument is `sqlite` or `postgres`");

const BUDGETS: readonly ProcessBudget[] = [
  { name: "calls", of: "calls", limit: 2_000, estimate: 1 },
  { name: "tool-money", of: "tool", limit: 500, estimate: 0.5 },
  { name: "model-money", of: "model", limit: 500, estimate: 0.5 },
];
const CLIENT_COUNT = 8;
const MISHAPS: readonly Mishap[] = [
  ...Array.from({ length: 3 }, (): Mishap => "a client is killed"),
  ...Array.from({ length: 2 }, (): Mishap => "the server is killed"),
  "a client leaves",
];

function print(roundSeed: string, { budgets, faultCounts, durationMs }: RoundOutcome): void {
  const faults = [...faultCounts].map(([name, count]) => `${name} ${count}`).join(", ");
  console.log(
    `${store}, seed "${roundSeed}": ${(durationMs / 1000).toFixed(0)} s; of requests about leases: ${faults}`,
  );
  for (const { budget, callCount, used, overshoot, counted } of budgets) {
    const percent = (amount: number): string => `${((amount / budget.limit) * 100).toFixed(2)} %`;
    console.log(
      `  ${budget.name.padEnd(12)} ${callCount} calls, used ${used.toFixed(3)} of ${budget.limit}, overshoot ${overshoot}; ` +
        `used ${percent(used)}, kept back for clients that ended without a word ${percent(counted - used)}, left ${percent(budget.limit - counted)}`,
    );
  }
}

async function round(roundSeed: string): Promise<RoundOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "handlebar-budgets-"));
  const postgres = store === "postgres" ? await startPostgres() : undefined;
  try {
    return await budgetRound({
      seed: roundSeed,
      folder,
      databaseUrl: postgres?.url,
      budgets: BUDGETS,
      clientCount: CLIENT_COUNT,
      mishaps: MISHAPS,
      faultShare: 0.15,
    });
  } finally {
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (let at = 1; at <= rounds; at++) {
  const roundSeed = `${seed}, round ${at}`;
  const outcome = await round(roundSeed);
  print(roundSeed, outcome);
  if (outcome.budgets.some(({ overshoot }) => overshoot > 0)) process.exitCode = 1;
}
