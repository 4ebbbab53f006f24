import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type Child, startChild } from "./child.ts";
import { batchesOf } from "./day-of-events.ts";

/** A day of events, replayed by a control plane on SQLite, beside a plain read of the same rows: `replay [events] [folder to keep]`. */
const [countText = "1000000", kept] = process.argv.slice(2);
const EVENT_COUNT = Number(countText);
let startMs = Date.now() - 2 * 86_400_000;
const CANDIDATE = {
  name: "candidate",
  rules: [
    rule(
      "large refunds",
      { tool: { name: "refund" }, when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 } },
      "hitl",
    ),
    rule("hourly", { when: { kind: "maxCalls", scope: "agent", max: 11_000, windowSeconds: 3_600 } }),
    rule("of one actor", { when: { kind: "maxCalls", scope: "actor", max: 40, windowSeconds: 3_600 } }),
    rule("mail after reading", {
      tool: { name: "send_mail" },
      when: { kind: "sequence", called: [{ name: "read_page" }] },
    }),
    rule("long run", { when: { kind: "maxCalls", scope: "run", max: 4 } }),
    rule("card", { tool: { name: "send_mail" }, when: { kind: "sensitiveData", in: "args" } }),
    rule(
      "basic",
      { tool: { name: "refund" }, when: { kind: "actor", path: "metadata.tier", op: "eq", value: "basic" } },
      "hitl",
    ),
    rule("labelled", { tool: { name: "send_mail" }, when: { kind: "label", allOf: ["seen"] } }),
  ],
  flow: { labels: ["seen"], sources: [{ tool: { name: "read_page" }, add: ["seen"], trust: "untrusted" }] },
};

function rule(name: string, more: object, type = "block"): object {
  return { name, on: "tool.before", ...more, effect: { type } };
}

async function fill(server: Child, key: string): Promise<void> {
  const begunMs = performance.now();
  const batches = batchesOf({ startMs, eventCount: EVENT_COUNT });
  const send = async (): Promise<void> => {
    for (let next = batches.next(); next.done !== true; next = batches.next()) {
      const response = await ingest(server, key, next.value);
      const { results } = JSON.parse(response) as { readonly results?: readonly { readonly status: string }[] };
      const refused = results?.find(({ status }) => status === "rejected");
      if (refused !== undefined) throw new Error(`an event was refused: ${JSON.stringify(refused)}`);
    }
  };
  await Promise.all([send(), send(), send(), send()]);
  const seconds = (performance.now() - begunMs) / 1_000;
  console.log(
    `${EVENT_COUNT} events taken in over HTTP: ${seconds.toFixed(0)} s, ${perSecond(EVENT_COUNT, seconds)} a second`,
  );
}

async function ingest(server: Child, key: string, events: readonly object[]): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const body = JSON.stringify({ agentId: "support", events });
  const response = await fetch(`${server.origin}/v1/runs/events`, { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`events were answered ${response.status} ${text}`);
  return text;
}

interface Replayed {
  readonly seconds: number;
  readonly progressCount: number;
  readonly longestPauseMs: number;
  readonly report: { readonly rows: number; readonly runs: number; readonly calls: number; readonly answers: object };
}

async function replayAll(server: Child, key: string): Promise<Replayed> {
  const begunMs = performance.now();
  const response = await fetch(`${server.origin}/v1/policies/replay`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ policies: [CANDIDATE], since: new Date(startMs - 1).toISOString() }),
  });
  let text = "";
  let progressCount = 0;
  let longestPauseMs = 0;
  let heardMs = begunMs;
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    longestPauseMs = Math.max(longestPauseMs, performance.now() - heardMs);
    heardMs = performance.now();
    progressCount += chunk.split("event: progress").length - 1;
    text = `${text}${chunk}`.slice(-1_000_000);
  }
  const seconds = (performance.now() - begunMs) / 1_000;
  const last = JSON.parse(
    /event: report\ndata: (.*)\n/.exec(text)?.[1] ?? `{"text":${JSON.stringify(text.slice(-500))}}`,
  );
  if (last.report === undefined) throw new Error(`there is no report: ${JSON.stringify(last)}`);
  return { seconds, progressCount, longestPauseMs, report: last.report };
}

/** The same rows, in the same order, in this process: alone, and parsed. */
function readPlainly(folder: string, isParsed: boolean): { readonly seconds: number; readonly cpu: number } {
  const db = new Database(join(folder, "handlebar.sqlite"), { readonly: true });
  const rows = db.prepare("select event_id, json from events order by workspace_id, event_id").iterate();
  const begunMs = performance.now();
  const begunCpu = process.cpuUsage();
  let count = 0;
  for (const row of rows) {
    count += isParsed && JSON.parse((row as { readonly json: string }).json) === null ? 0 : 1;
  }
  const seconds = (performance.now() - begunMs) / 1_000;
  const { user, system } = process.cpuUsage(begunCpu);
  if (count < EVENT_COUNT) throw new Error(`${count} rows are there`);
  db.close();
  return { seconds, cpu: (user + system) / 1e6 };
}

/** What a process has used of the processors, in seconds: on a busy machine it says more than the clock. */
function cpuSeconds({ pid }: Child): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most memory that a process has had, in MiB. */
function peakMib({ pid }: Child): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

function timing({ seconds, cpu }: { readonly seconds: number; readonly cpu: number }): string {
  return `${seconds.toFixed(1)} s, ${perSecond(EVENT_COUNT, seconds)} events a second, ${cpu.toFixed(1)} s of processor time`;
}

function perSecond(count: number, seconds: number): string {
  return Math.round(count / seconds).toLocaleString("en");
}

const folder = kept ?? mkdtempSync(join(tmpdir(), "hb-replay-"));
const filler = await startChild("serve-child.ts", folder);
const keptFile = join(folder, "bench.json");
let key = filler.firstKey ?? "";
if (existsSync(keptFile)) {
  ({ key, startMs } = JSON.parse(readFileSync(keptFile, "utf8")) as { readonly key: string; readonly startMs: number });
} else {
  await fill(filler, key);
  writeFileSync(keptFile, JSON.stringify({ key, startMs }), { mode: 0o600 });
}
await filler.stop();

const plain = readPlainly(folder, false);
const parsed = readPlainly(folder, true);
const server = await startChild("serve-child.ts", folder);
await fetch(`${server.origin}/readyz`);
const before = peakMib(server);
const cpuBefore = cpuSeconds(server);
const { seconds, progressCount, longestPauseMs, report } = await replayAll(server, key);
const after = peakMib(server);
const cpu = cpuSeconds(server) - cpuBefore;
await server.stop();
if (kept === undefined) rmSync(folder, { recursive: true, force: true });

console.log(`replay:         ${timing({ seconds, cpu })}`);
console.log(`plain read:     ${timing(plain)}`);
console.log(`read and parse: ${timing(parsed)}`);
const ratio = (other: { readonly seconds: number; readonly cpu: number }): string =>
  `${(seconds / other.seconds).toFixed(1)} times by the clock, ${(cpu / other.cpu).toFixed(1)} by processor time`;
console.log(`the replay took ${ratio(plain)}, of a plain read; ${ratio(parsed)}, of reading and parsing`);
console.log(`${progressCount} messages of progress, at most ${longestPauseMs.toFixed(0)} ms apart`);
console.log(`peak memory of the server: ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB after`);
console.log(`${report.runs} runs, ${report.calls} calls: ${JSON.stringify(report.answers)}`);
