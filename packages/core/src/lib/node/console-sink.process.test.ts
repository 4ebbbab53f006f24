import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";

const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const SCRIPT = join(import.meta.dirname, "console-child.test-support.ts");

it("consoleSink does not end an agent whose standard error was closed", async () => {
  const child = spawn(process.execPath, ["--conditions=@handlebar/source", "--import", TSX, SCRIPT]);
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  await once(child.stdout, "data");
  child.stderr.destroy();
  child.stdin.write("go");
  const [code] = await once(child, "close");
  expect([code, output]).toEqual([0, "ready\ndone\n"]);
});
