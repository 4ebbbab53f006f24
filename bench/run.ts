import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const PEERS = ["decide", "hooks", "sinks"];
const [name = "decide", ...frameworks] = process.argv.slice(2);
if (name === "adapters") {
  const all = ["ai-sdk", "langchain", "openai-agents"].filter((one) => existsSync(`${folder}src/adapters/${one}.ts`));
  for (const one of frameworks.length === 0 ? all : frameworks) {
    const { status } = spawnSync(process.execPath, [...process.execArgv, `${folder}src/adapters/${one}.ts`], {
      stdio: "inherit",
    });
    if (status !== 0) process.exit(status ?? 1);
  }
  process.exit(0);
}
if (!PEERS.includes(name)) {
  console.error(`no measurement \`${name}\`; use ${PEERS.join(", ")} or adapters`);
  process.exit(2);
}
if (!existsSync(`${folder}node_modules`)) {
  const installed = spawnSync("npm", ["ci", "--prefix", folder], { stdio: "inherit" });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
const { status } = spawnSync(process.execPath, [...process.execArgv, `${folder}src/${name}.ts`], { stdio: "inherit" });
process.exit(status ?? 1);
