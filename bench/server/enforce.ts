import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { Handlebar } from "@handlebar/core";
import { startChild } from "./child.ts";

const PUSH_COUNT = 200;
const folder = mkdtempSync(join(tmpdir(), "hb-enforce-"));
const server = await startChild("serve-child.ts", folder, process.argv[2] ?? "");
const apiKey = server.firstKey ?? process.env["HANDLEBAR_API_KEY"] ?? "";

async function put(body: unknown): Promise<void> {
  const response = await fetch(`${server.origin}/v1/policies/no-send`, {
    method: "PUT",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await response.text();
  if (!response.ok) throw new Error(`the push was answered ${response.status}`);
}

const rule = { name: "never", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } };
const hb = Handlebar.init({ agent: { slug: "support" }, apiKey, endpoint: server.origin, sinks: [] });
await hb.ready();
const run = hb.startRun();
const toEnforcement: number[] = [];
const toAnswer: number[] = [];
for (let round = 0; round < PUSH_COUNT; round++) {
  const isOn = round % 2 === 0;
  const startedMs = performance.now();
  const pushed = put({ policy: { name: "no send", enabled: isOn, rules: [rule] } }).then(() => {
    toAnswer.push(performance.now() - startedMs);
  });
  while ((await run.beforeTool({ name: "send", args: {} })).verdict !== (isOn ? "BLOCK" : "ALLOW")) await turn();
  toEnforcement.push(performance.now() - startedMs);
  await pushed;
}
await hb.shutdown();
await server.stop();
rmSync(folder, { recursive: true, force: true });

function at(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
}
console.log(`${PUSH_COUNT} pushes to a running agent, from the start of the request`);
console.log(`the push is answered:   p50 ${at(toAnswer, 0.5)}  p99 ${at(toAnswer, 0.99)} ms`);
console.log(`the agent's calls obey: p50 ${at(toEnforcement, 0.5)}  p99 ${at(toEnforcement, 0.99)} ms`);
