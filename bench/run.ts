import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const SCRIPTS: Readonly<Record<string, string>> = {
  decide: "src/decide.ts",
  hooks: "src/hooks.ts",
  sinks: "src/sinks.ts",
  link: "server/link.ts",
  enforce: "server/enforce.ts",
  lockdown: "server/lockdown.ts",
  check: "server/check.ts",
  ingest: "server/ingest.ts",
  replay: "server/replay.ts",
  budgets: "../scripts/budget-rounds.ts",
};
const [name = "decide", ...args] = process.argv.slice(2);
if (name === "adapters") {
  const all = ["ai-sdk", "langchain", "openai-agents"].filter((one) => existsSync(`${folder}src/adapters/${one}.ts`));
  for (const one of args.length === 0 ? all : args) {
    const { status } = spawnSync(process.execPath, [...process.execArgv, `${folder}src/adapters/${one}.ts`], {
      stdio: "inherit",
    });
    if (status !== 0) process.exit(status ?? 1);
  }
  process.exit(0);
}
const script = SCRIPTS[name];
if (script === undefined) {
  console.error(`no measurement \`${name}\`; use ${Object.keys(SCRIPTS).join(", ")} or adapters`);
  process.exit(2);
}
if (!existsSync(`${folder}node_modules`)) {
  const installed = spawnSync("npm", ["ci", "--prefix", folder], { stdio: "inherit" });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
const { status } = spawnSync(process.execPath, [...process.execArgv, `${folder}${script}`, ...args], {
  stdio: "inherit",
});
process.exit(status ?? 1);
