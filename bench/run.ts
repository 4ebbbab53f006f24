import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const [name = "decide"] = process.argv.slice(2);
if (!["decide", "hooks", "sinks"].includes(name)) {
  console.error(`no measurement \`${name}\`; use decide, hooks or sinks`);
  process.exit(2);
}
if (!existsSync(`${folder}node_modules`)) {
  const installed = spawnSync("npm", ["ci", "--prefix", folder], { stdio: "inherit" });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
const { status } = spawnSync(process.execPath, [...process.execArgv, `${folder}src/${name}.ts`], { stdio: "inherit" });
process.exit(status ?? 1);
