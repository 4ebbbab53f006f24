#!/usr/bin/env node
// Plain JavaScript without static imports, so that it can say on any Node which one it needs.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`handlebar needs Node 20.19 or later; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await run();
}

async function run() {
  const { existsSync } = await import("node:fs");
  const SOURCE = "--conditions=@handlebar/source";
  const isBuilt = existsSync(new URL("../dist/index.js", import.meta.url));
  const readsTypeScript = Boolean(process.features.typescript);
  const isFromSource = readsTypeScript && process.execArgv.includes(SOURCE);
  const entry = isFromSource ? "../src/index.ts" : "../dist/index.js";
  if (isFromSource || isBuilt) return (await import(entry)).main();
  if (!readsTypeScript) {
    process.stderr.write("handlebar is not built; run `npm run build`, or use Node 22.18 or later\n");
    return 2;
  }
  // From the repository before a build.
  return spawnSelf([SOURCE, process.argv[1], ...process.argv.slice(2)]);
}

/** Runs this program again, and ends as it does; what is sent to this process is sent on. */
async function spawnSelf(args) {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  // A terminal sends an interrupt to both: this one only has to wait for the other.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", () => resolve(2));
    child.on("exit", (code) => resolve(code ?? 2));
  });
}
