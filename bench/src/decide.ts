import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ENGINES = ["handlebar", "cel-js", "casl", "opa-wasm", "cedar", "casbin", "agent-governance"];
const COUNTS = [4, 100, 1_000, 10_000];
const ROUND_COUNT = 2;
const one = fileURLToPath(new URL("./decide-one.ts", import.meta.url));

interface Figure {
  readonly p50: number;
  readonly p99: number;
}

function run(engine: string, count: number): Figure | undefined {
  try {
    const text = execFileSync(process.execPath, [...process.execArgv, one, engine, String(count)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
    return JSON.parse(text) as Figure;
  } catch (error) {
    process.stderr.write(
      `${engine} at ${count} rules: ${error instanceof Error ? error.message.split("\n")[0] : error}\n`,
    );
    return undefined;
  }
}

const figures = new Map<string, Figure>();
for (let round = 0; round < ROUND_COUNT; round++) {
  for (const count of COUNTS) {
    for (const engine of ENGINES) {
      const figure = run(engine, count);
      const key = `${engine} ${count}`;
      const best = figures.get(key);
      if (figure !== undefined && (best === undefined || figure.p50 < best.p50)) figures.set(key, figure);
    }
  }
}

console.log("One decision in microseconds, best of two rounds; every answer was checked. ×: p50 beside Handlebar's.\n");
console.log(["engine".padEnd(18), ...COUNTS.map((count) => `${count} rules: p50 / p99 (×)`.padEnd(34))].join(""));
for (const engine of ENGINES) {
  const cells = COUNTS.map((count) => {
    const own = figures.get(`handlebar ${count}`);
    const figure = figures.get(`${engine} ${count}`);
    if (figure === undefined || own === undefined) return "not measured".padEnd(34);
    return `${figure.p50.toFixed(2)} / ${figure.p99.toFixed(2)} (${(figure.p50 / own.p50).toFixed(1)})`.padEnd(34);
  });
  console.log([engine.padEnd(18), ...cells].join(""));
}
const growth = (figures.get("handlebar 10000")?.p50 ?? 0) / (figures.get("handlebar 100")?.p50 ?? 1);
console.log(`\nHandlebar's p50 at 10,000 rules beside 100, as many matching: ${growth.toFixed(2)} times`);
