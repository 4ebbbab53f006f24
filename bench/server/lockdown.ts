import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Child, startChild } from "./child.ts";
import { Crew, machineMs } from "./crew.ts";
import { quantile } from "./http-load.ts";
import type { ClientRound } from "./lockdown-round.ts";
import { startPostgres } from "./postgres.ts";

const [clientText = "200", roundText = "30"] = process.argv.slice(2);
const CLIENT_COUNT = Number(clientText);
const ROUND_COUNT = Number(roundText);
const PROCESS_COUNT = 4;
/** For whatever might still start. */
const AFTERWARDS_MS = 200;
/** All agents use tools, and nothing else goes on. */
const SETTLED_MS = 200;
/** Longer than a client listens to a stream that says nothing before it polls. */
const COVERED_MS = 2_500;

/** Since the request was sent, in milliseconds. */
interface Figures {
  /** To the answer of each client's acknowledgement, of all rounds. */
  readonly acknowledged: number[];
  /** To the last one, per round. */
  readonly lastAcknowledged: number[];
  /** To the last start of a tool of any client, per round; before the request there is none. */
  readonly lastStart: number[];
  /** To the last abort of a tool under way, per round. */
  readonly lastAbort: number[];
  readonly stopAnswered: number[];
  /** By the server's own clock, from the order to the last acknowledgement. */
  readonly lastSeen: number[];
  /** To when every client obeys, and says so. */
  readonly lastObeys: number[];
  startCount: number;
  lateStartCount: number;
}

interface Stop {
  /** Stops; resolves when that is answered. */
  stop(): Promise<unknown>;
  /** From the order to the last acknowledgement, as the server saw it. */
  lastSeenMs?(): Promise<number>;
  lift?(): Promise<unknown>;
}

async function measure(crew: Crew, { stop, lastSeenMs, lift }: Stop): Promise<Figures> {
  const figures: Figures = {
    acknowledged: [],
    lastAcknowledged: [],
    lastStart: [],
    lastAbort: [],
    stopAnswered: [],
    lastSeen: [],
    lastObeys: [],
    startCount: 0,
    lateStartCount: 0,
  };
  for (let round = 0; round <= ROUND_COUNT; round++) {
    await crew.ask("running");
    await pause(SETTLED_MS * (1 + Math.random()));
    const sentMs = machineMs();
    const stopped = stop().then(() => figures.stopAnswered.push(machineMs() - sentMs));
    await Promise.all([stopped, crew.ask("obeying")]);
    if (lastSeenMs !== undefined) figures.lastSeen.push(await lastSeenMs());
    await crew.ask("again");
    await pause(AFTERWARDS_MS);
    note(figures, (await crew.ask<readonly ClientRound[]>("round")).flat(), sentMs);
    await lift?.();
  }
  return figures;
}

function note(figures: Figures, clients: readonly ClientRound[], sentMs: number): void {
  const after = (times: readonly (number | undefined)[]): readonly number[] =>
    times.flatMap((ms) => (ms === undefined ? [] : [Math.max(0, ms - sentMs)]));
  const acknowledged = after(clients.map(({ ackAnsweredMs }) => ackAnsweredMs));
  if (acknowledged.length !== CLIENT_COUNT) throw new Error(`only ${acknowledged.length} clients obeyed`);
  figures.acknowledged.push(...acknowledged);
  figures.lastAcknowledged.push(Math.max(...acknowledged));
  figures.lastObeys.push(Math.max(...after(clients.map(({ ackSentMs }) => ackSentMs))));
  figures.lastStart.push(Math.max(0, ...after(clients.map(({ lastStartMs }) => lastStartMs))));
  figures.lastAbort.push(Math.max(0, ...after(clients.map(({ abortedMs }) => abortedMs))));
  for (const { startCount, lateStartCount } of clients) {
    figures.startCount += startCount;
    figures.lateStartCount += lateStartCount;
  }
}

interface LockdownSeen {
  readonly lockdown: { readonly lockdownId: string };
  readonly clientCount: number;
  readonly acknowledgedCount: number;
  readonly course: { readonly ackMs?: { readonly last: number } };
}

async function measureHandlebar(server: Child, origin: string, way: string): Promise<Figures> {
  const apiKey = server.firstKey ?? "";
  const call = async (method: string, path: string, body?: unknown): Promise<LockdownSeen> => {
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${server.origin}${path}`, { method, headers, ...text });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json() as Promise<LockdownSeen>;
  };
  const crew = await Crew.start(
    "lockdown-agents-child.ts",
    shares().map((count) => [origin, apiKey, count]),
  );
  if (way === "poll") await pause(COVERED_MS);
  let path = "";
  const figures = await measure(crew, {
    stop: async () => {
      const { lockdown } = await call("POST", "/v1/lockdowns", { scope: { kind: "agent", slug: "support" } });
      path = `/v1/lockdowns/${lockdown.lockdownId}`;
    },
    lastSeenMs: async () => {
      const { clientCount, acknowledgedCount, course } = await call("GET", path);
      if (clientCount !== CLIENT_COUNT || acknowledgedCount !== CLIENT_COUNT) {
        throw new Error(`the server shows ${acknowledgedCount} of ${clientCount}`);
      }
      return course.ackMs?.last ?? Number.NaN;
    },
    lift: () => call("DELETE", path),
  });
  await crew.stop();
  return figures;
}

async function measureBare(server: Child, origin: string, way: string): Promise<Figures> {
  const crew = await Crew.start(
    "lockdown-bare-child.ts",
    shares().map((count) => [origin, way, count]),
  );
  const lockdown = { lockdownId: "l", scope: { kind: "agent", slug: "support" } };
  const body = JSON.stringify({ kind: "lockdowns", revision: 1, lockdowns: [lockdown] });
  const figures = await measure(crew, {
    stop: async () => (await fetch(server.origin, { method: "PUT", body })).text(),
  });
  await crew.stop();
  return figures;
}

/** The clients of each process. */
function shares(): readonly string[] {
  return Array.from({ length: PROCESS_COUNT }, (_, at) => String(Math.floor((CLIENT_COUNT + at) / PROCESS_COUNT)));
}

/** The first lockdown of processes that have just started stands apart: their code is not compiled yet. */
function print(name: string, figures: Figures, bare?: Figures): void {
  const later = (values: readonly number[]): readonly number[] => values.slice(values.length / (ROUND_COUNT + 1));
  const part = (values: readonly number[], beside?: readonly number[]): string =>
    [0.5, 0.99]
      .map((share) => {
        const value = quantile(later(values), share);
        const times = beside === undefined ? "" : ` (${(value / quantile(later(beside), share)).toFixed(1)})`;
        return `${value.toFixed(0).padStart(4)}${times}`;
      })
      .join(" / ");
  console.log(name);
  console.log(`  the stop is answered        ${part(figures.stopAnswered, bare?.stopAnswered)} ms`);
  console.log(`  the last client obeys       ${part(figures.lastObeys, bare?.lastObeys)} ms`);
  console.log(`  a client's acknowledgement  ${part(figures.acknowledged, bare?.acknowledged)} ms`);
  console.log(`  the last acknowledgement    ${part(figures.lastAcknowledged, bare?.lastAcknowledged)} ms`);
  console.log(`  the last one of the first   ${figures.lastAcknowledged[0]?.toFixed(0).padStart(4)} ms`);
  if (bare === undefined) return;
  console.log(`  by the server's own clock   ${part(figures.lastSeen)} ms`);
  console.log(`  the last tool start         ${part(figures.lastStart)} ms`);
  console.log(`  the last tool aborted       ${part(figures.lastAbort)} ms`);
  const { lateStartCount, startCount } = figures;
  console.log(`  ${lateStartCount} of ${startCount} tools started after their client's acknowledgement`);
}

/** One store and one way, beside the least that it can be over the same way. */
async function compare(store: "SQLite" | "PostgreSQL", way: "stream" | "poll"): Promise<number> {
  const through = async (server: Child): Promise<Child | undefined> =>
    way === "poll" ? startChild("swallowing-proxy-child.ts", server.origin) : undefined;
  const postgres = store === "PostgreSQL" ? await startPostgres() : undefined;
  const folder = mkdtempSync(join(tmpdir(), "hb-lockdown-"));
  const server = await startChild("serve-child.ts", folder, postgres?.url ?? "");
  const proxy = await through(server);
  const handlebar = await measureHandlebar(server, proxy?.origin ?? server.origin, way);
  await proxy?.stop();
  await server.stop();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
  const least = await startChild("bare-link-child.ts");
  const besideProxy = await through(least);
  const bare = await measureBare(least, besideProxy?.origin ?? least.origin, way);
  await besideProxy?.stop();
  await least.stop();
  const carried = way === "stream" ? "by stream" : "by long poll, a proxy swallows the streams";
  print(`bare, ${carried}`, bare);
  print(`Handlebar on ${store}, ${carried} (times the bare one)`, handlebar, bare);
  return handlebar.lateStartCount;
}

console.log(
  `${ROUND_COUNT} lockdowns of ${CLIENT_COUNT} clients with runs in flight, p50 / p99 from the start of the request`,
);
let lateStartCount = 0;
for (const way of ["stream", "poll"] as const) {
  for (const store of ["SQLite", "PostgreSQL"] as const) lateStartCount += await compare(store, way);
}
if (lateStartCount > 0) {
  console.error(`${lateStartCount} tools started after their client said that it obeys`);
  process.exit(1);
}
