/**
 * Runs each adapter's contract on the oldest and newest supported version of its framework:
 *
 *   npm run matrix [-- <adapter> ...]
 *
 * The versions are installed side by side under names of their own; an adapter's contract tests run on all of them.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BUNDLED_NODE, run } from "./lib/command.ts";
import { readColumns } from "./lib/contract-table.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";

const named = process.argv.slice(2);
const all = readdirSync(join(REPO_ROOT, "packages")).filter((name) =>
  existsSync(join(REPO_ROOT, "packages", name, "src/lib/contract.test.ts")),
);
const chosen = named.length === 0 ? all : named;
const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length > 0)
  throw new Error(`no adapter is named \`${unknown.join("`, `")}\`; there are: ${all.join(", ")}`);

const vitest = join(REPO_ROOT, "node_modules/vitest/vitest.mjs");
const files = chosen.map((name) => `packages/${name}/src/lib/contract`);
const { ok } = await run(BUNDLED_NODE, [vitest, "run", "--reporter=dot", ...files], { stream: true });
for (const { adapter, results } of readColumns()) {
  for (const { framework, cases } of results) {
    const held = cases.filter(({ result }) => result === "yes").length;
    console.log(
      `${adapter.padEnd(16)} ${framework.padEnd(24)} ${held} of ${cases.length} cases in every mode that they fit`,
    );
  }
}
if (!ok) process.exitCode = 1;
