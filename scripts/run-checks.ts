/**
 * Runs every check of the repository, one after the other, and goes on after a failure:
 *
 *   npm run check [-- <name> ...]
 *
 * With names, runs only those. The last line is `N passed, N failed`, with `, N skipped` where there are any; each test
 * counts, and each check that is no test suite counts as one. The exit code is 0 when something ran and nothing failed.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BUNDLED_NODE, machineNode, run } from "./lib/command.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";
import { addTallies, EMPTY_TALLY, succeeded, type Tally, tallyLine, tallyReport } from "./lib/tally.ts";

interface Check {
  readonly name: string;
  readonly run: () => Promise<Tally>;
}

/** What must also work on the machine's own Node.js, the oldest that is supported where it is Node.js 20. */
const EVERYWHERE = ["protocol", "engine", "policies", "core", "testing", "ai-sdk", "langchain", "openai-agents"].map(
  (name) => `packages/${name}/`,
);

async function command(program: string, args: readonly string[]): Promise<Tally> {
  const { ok, output } = await run(program, args);
  if (!ok) console.log(output.trimEnd());
  return { ...EMPTY_TALLY, [ok ? "passed" : "failed"]: 1 };
}

async function tests(node: string, reportName: string, filters: readonly string[]): Promise<Tally> {
  const report = join(REPO_ROOT, "reports", reportName);
  rmSync(report, { force: true });
  const vitest = join(REPO_ROOT, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { ok } = await run(node, [vitest, "run", ...reporters, ...filters], { stream: true });
  return tallyReport(existsSync(report) ? readFileSync(report, "utf8") : undefined, ok);
}

async function testsOnMachineNode(): Promise<Tally> {
  const machine = await machineNode();
  if (machine === undefined) {
    console.log("skipped: npm runs on the same Node.js as the tests above, so there is no other one to try");
    return { ...EMPTY_TALLY, skipped: 1 };
  }
  console.log(`on Node.js ${machine.version}`);
  return tests(machine.path, "vitest-machine-node.json", EVERYWHERE);
}

const CHECKS: readonly Check[] = [
  { name: "lint", run: () => command("biome", ["ci", "--error-on-warnings", "--max-diagnostics=200", "--colors=off"]) },
  { name: "types", run: () => command("tsc", ["-p", "tsconfig.check.json"]) },
  { name: "build", run: () => command("tsc", ["-b"]) },
  { name: "unused", run: () => command("knip", ["--no-progress"]) },
  { name: "api", run: () => command("tsx", ["scripts/api-report.ts", "--check"]) },
  { name: "tests", run: () => tests(BUNDLED_NODE, "vitest.json", []) },
  { name: "tests-machine-node", run: testsOnMachineNode },
  { name: "pack", run: () => command("tsx", ["scripts/pack-check.ts"]) },
];

const named = process.argv.slice(2);
const unknown = named.filter((name) => !CHECKS.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(
    `no check is named \`${unknown.join("`, `")}\`; there are: ${CHECKS.map(({ name }) => name).join(", ")}`,
  );
}
const chosen = CHECKS.filter(({ name }) => named.length === 0 || named.includes(name));

let total: Tally = { ...EMPTY_TALLY, failed: unknown.length };
const failedNames: string[] = [];
for (const check of chosen) {
  console.log(`\n> ${check.name}`);
  const startedMs = performance.now();
  const tally = await check.run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${tally.failed === 0 ? "ok" : "FAILED"} ${check.name}: ${tallyLine(tally)} (${seconds} s)`);
  if (tally.failed > 0) failedNames.push(check.name);
  total = addTallies(total, tally);
}

console.log(failedNames.length === 0 ? "" : `\nfailed: ${failedNames.join(", ")}`);
console.log(tallyLine(total));
if (!succeeded(total)) process.exitCode = 1;
