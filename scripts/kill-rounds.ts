/**
 * Kills a server in the middle of taking events in, again and again, and says what the next one found:
 *
 *   npx tsx --conditions=@handlebar/source scripts/kill-rounds.ts [rounds = 50] [sqlite | postgres]
 *
 * Without a store it does both. For PostgreSQL it starts one of its own. The exit code is 0 when nothing that was acknowledged is missing or there twice.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KillRound, killRounds } from "../packages/server/src/kill-rounds.test-support.ts";
import { startPostgres } from "../packages/server/src/storage/postgres-server.test-support.ts";

const [given = "50", only] = process.argv.slice(2);
const rounds = Number(given);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("the first argument is the number of rounds");

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

function print(store: string, results: readonly KillRound[]): boolean {
  const [acknowledged, lost, doubled, gaps] = (["acknowledged", "lost", "doubled", "gaps"] as const).map((name) =>
    sum(results.map((round) => round[name])),
  );
  const open = results.map(({ openMs }) => openMs);
  const start = results.map(({ startMs }) => startMs);
  console.log(
    `${store}: ${results.length} rounds, ${acknowledged} events acknowledged, ${lost} lost, ${doubled} doubled, ${gaps} missing after a retry; ` +
      `open to listening ${quantile(open, 0.5)} ms (max ${quantile(open, 1)}), process start to listening ${quantile(start, 0.5)} ms (max ${quantile(start, 1)})`,
  );
  return lost === 0 && doubled === 0 && gaps === 0;
}

async function run(store: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const cwd = mkdtempSync(join(tmpdir(), "handlebar-kill-"));
  try {
    const onRound = (round: KillRound): void => console.log(`${store} ${JSON.stringify(round)}`);
    return print(store, await killRounds({ rounds, env, cwd, onRound }));
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

let isGood = true;
if (only !== "postgres") isGood = (await run("sqlite", {})) && isGood;
if (only !== "sqlite") {
  const server = await startPostgres();
  try {
    isGood = (await run("postgres", { DATABASE_URL: server.url })) && isGood;
  } finally {
    await server.stop();
  }
}
if (!isGood) process.exitCode = 1;
