import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { HttpLoad, median, quantile } from "./http-load.ts";
import { startPostgres } from "./postgres.ts";

const CONNECTION_COUNT = 32;
const ROUND_COUNT = 5;
const ROUND_MS = 2_000;
const RUN_COUNT = 200;

const limits = Array.from({ length: 10 }, (_, at) => ({
  name: `limit ${at}`,
  on: "tool.before",
  tool: { name: `tool-${at}` },
  when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 50_000 },
  effect: { type: "block" },
}));
const POLICIES = [
  { id: "refunds", name: "refunds", agents: { anyOfSlugs: ["support", "remembering"] }, rules: limits },
  {
    id: "memory",
    name: "memory",
    agents: { anyOfSlugs: ["remembering"] },
    rules: [
      { name: "often", when: { kind: "maxCalls", scope: "run", max: 1_000_000 } },
      { name: "order", when: { kind: "sequence", called: [{ name: "never" }] } },
    ].map((rule) => ({ on: "tool.before", effect: { type: "block" }, ...rule })),
  },
];

/** About a kilobyte. */
function bodyOf(agentId: string, at: number): Buffer {
  const facts = {
    phase: "tool.before",
    runId: `run-${at % RUN_COUNT}`,
    callId: `call-${at}`,
    sessionId: "session-1",
    actor: { externalId: `user-${at % 50}`, metadata: { tier: "gold", region: "eu" } },
    tool: { name: `tool-${at % 10}`, tags: ["money"] },
    args: {
      amount: at % 1_000,
      reason: "the customer says that the parcel arrived broken and sends three photographs of it",
      items: [1, 2, 3].map((item) => ({ sku: `sku-${item}`, count: item, price: 9.95 * item, note: "as ordered" })),
      address: { name: "Ada Example", street: "1 Example Street", city: "Example", zip: "12345", country: "GB" },
    },
    runTags: { environment: "bench", version: "1.2.3" },
  };
  return Buffer.from(JSON.stringify({ agentId, facts }));
}

interface Target {
  readonly name: string;
  readonly server: Child;
  readonly load: HttpLoad;
  readonly agent: string;
  readonly perSecond: number[];
  readonly latenciesMs: number[];
  /** Processor time of the server for one request. */
  readonly cpuMicros: number[];
}

async function prepare(server: Child, key: string): Promise<void> {
  const ask = async (path: string, body: unknown): Promise<void> => {
    const asking = new HttpLoad({ origin: server.origin, path, key, connectionCount: 1 });
    await asking.send(Buffer.from(JSON.stringify(body)), "PUT");
    asking.close();
  };
  for (const slug of ["support", "remembering"]) await ask("/v1/agents", { slug });
  await ask("/v1/policies", { policies: POLICIES });
}

function targetOf(
  name: string,
  server: Child,
  options: { readonly key?: string | undefined; readonly agent: string },
): Target {
  const { key, agent } = options;
  const load = new HttpLoad({
    origin: server.origin,
    path: "/v1/agents/check",
    key,
    connectionCount: CONNECTION_COUNT,
  });
  return { name, server, load, agent, perSecond: [], latenciesMs: [], cpuMicros: [] };
}

async function measure(target: Target, isKept: boolean): Promise<void> {
  const { server, load, agent, perSecond, latenciesMs, cpuMicros } = target;
  const cpuBefore = await server.cpuMicros();
  const untilMs = performance.now() + ROUND_MS;
  let at = 0;
  const figures = await load.run(() => (performance.now() < untilMs ? bodyOf(agent, at++) : undefined));
  if (!isKept) return;
  cpuMicros.push(((await server.cpuMicros()) - cpuBefore) / figures.latenciesMs.length);
  perSecond.push(figures.perSecond);
  for (const latency of figures.latenciesMs) latenciesMs.push(latency);
}

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;

const folder = mkdtempSync(join(tmpdir(), "hb-check-"));
const postgres = await startPostgres();
const bare = await startChild("bare-check-child.ts");
const sqlite = await startChild("serve-child.ts", folder);
const onPostgres = await startChild("serve-child.ts", folder, postgres.url);
const keys = [sqlite, onPostgres].map(({ firstKey }) => firstKey ?? "");
console.log(
  `memory at rest: bare ${mib(await bare.rssBytes())}, on SQLite ${mib(await sqlite.rssBytes())}, on PostgreSQL ${mib(await onPostgres.rssBytes())}`,
);
await prepare(sqlite, keys[0] ?? "");
await prepare(onPostgres, keys[1] ?? "");
const targets = [
  targetOf("bare framework", bare, { agent: "support" }),
  targetOf("SQLite", sqlite, { key: keys[0], agent: "support" }),
  targetOf("PostgreSQL", onPostgres, { key: keys[1], agent: "support" }),
  targetOf("SQLite, rules that remember", sqlite, { key: keys[0], agent: "remembering" }),
  targetOf("PostgreSQL, rules that remember", onPostgres, { key: keys[1], agent: "remembering" }),
];
for (let round = 0; round <= ROUND_COUNT; round++) for (const target of targets) await measure(target, round > 0);

const first = median(targets[0]?.perSecond ?? []);
const firstCpu = median(targets[0]?.cpuMicros ?? []);
console.log(`POST /v1/agents/check, ${CONNECTION_COUNT} connections, medians of ${ROUND_COUNT} rounds in turn`);
for (const { name, perSecond, latenciesMs, cpuMicros } of targets) {
  const rate = median(perSecond);
  const cpu = median(cpuMicros);
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(latenciesMs, share).toFixed(1));
  const rates = `${rate.toFixed(0).padStart(6)}/s  ${(rate / first).toFixed(2)}  p50 ${p50} ms  p99 ${p99} ms`;
  console.log(`${name.padEnd(32)} ${rates}  ${cpu.toFixed(0)} µs of processor time, ${(firstCpu / cpu).toFixed(2)}`);
}
for (const { load } of targets) load.close();
for (const child of [bare, sqlite, onPostgres]) await child.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
