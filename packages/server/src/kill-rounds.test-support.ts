import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { uuidv7 } from "uuidv7";

const KEY = `hb_killtest00_${"k".repeat(43)}`;
const SENDER_COUNT = 6;
const BATCH_COUNT = 20;
const PAGE_COUNT = 1000;
const START_TIMEOUT_MS = 60_000;
const KILL_AFTER_MS_MIN = 60;
const KILL_AFTER_MS_STEP = 137;
const KILL_AFTER_MS_RANGE = 500;

/** What one round came to. */
export interface KillRound {
  readonly round: number;
  /** Events whose batch was answered before the kill. */
  readonly acknowledged: number;
  /** Of those, the ones that are not in the store after it. */
  readonly lost: number;
  /** Events that are in the store more than once, or counted so. */
  readonly doubled: number;
  /** Sequence numbers that are missing after everything was sent once more. */
  readonly gaps: number;
  /** From opening the store to listening, after the kill. */
  readonly openMs: number;
  /** From the start of the process to listening, after the kill. */
  readonly startMs: number;
}

export interface KillRoundsOptions {
  readonly rounds: number;
  /** Settings of the server: where its store is. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Starts another process on the same store, which is never killed and must not notice. Default false. */
  readonly hasNeighbour?: boolean | undefined;
  readonly onRound?: ((round: KillRound) => void) | undefined;
}

interface RunningChild {
  readonly origin: string;
  readonly openMs: number;
  readonly startMs: number;
  readonly process: ChildProcess;
}

async function startKillServer({ env, cwd }: KillRoundsOptions): Promise<RunningChild> {
  const startedMs = performance.now();
  const settings = { HANDLEBAR_PORT: "0", HANDLEBAR_FIRST_KEY: KEY, HANDLEBAR_LOG_LEVEL: "silent", ...env };
  const script = fileURLToPath(new URL("./kill-child.fixture.ts", import.meta.url));
  const given = JSON.stringify({ env: settings, cwd });
  const child = spawn(process.execPath, ["--conditions=@handlebar/source", "--import", "tsx", script, given], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, "line", { signal: AbortSignal.timeout(START_TIMEOUT_MS) }).then(([text]) => String(text)),
    once(child, "exit").then(() => undefined),
  ]);
  if (line === undefined) throw new Error(`the server did not start: ${errors.join("")}`);
  // The child prints nothing else.
  const { origin, openMs } = JSON.parse(line) as { origin: string; openMs: number };
  return { origin, openMs, startMs: performance.now() - startedMs, process: child };
}

async function kill(child: RunningChild): Promise<void> {
  const gone = once(child.process, "exit");
  child.process.kill("SIGKILL");
  await gone;
}

interface Sent {
  readonly runId: string;
  readonly events: { readonly eventId: string; readonly seq: number }[];
  readonly acknowledged: Set<string>;
}

function eventOf(runId: string, seq: number): { readonly eventId: string; readonly seq: number } {
  return Object.assign(
    { eventId: uuidv7(), seq },
    {
      schema: "handlebar.audit.v1",
      ts: new Date().toISOString(),
      agentId: "support",
      runId,
      kind: "tool.result",
      data: { callId: `c${seq}`, tool: { name: "search" }, outcome: "success", result: { text: "x".repeat(200) } },
    },
  );
}

async function post(origin: string, events: readonly object[]): Promise<void> {
  const response = await fetch(`${origin}/v1/runs/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ agentId: "support", events }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
}

/** Sends batch after batch of one run until the server is gone, or `stopped` says so. */
async function send(origin: string, sent: Sent, stopped?: AbortSignal): Promise<void> {
  while (stopped?.aborted !== true) {
    const from = sent.events.length;
    const batch = Array.from({ length: BATCH_COUNT }, (_, at) => eventOf(sent.runId, from + at));
    sent.events.push(...batch);
    try {
      await post(origin, batch);
    } catch (error) {
      // An answer with another status is a finding; a connection that broke is what was meant to happen to the one that is killed.
      if (error instanceof TypeError && stopped === undefined) return;
      throw error;
    }
    for (const { eventId } of batch) sent.acknowledged.add(eventId);
  }
}

async function read(origin: string, path: string): Promise<unknown> {
  const response = await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
  if (response.status === 404) return undefined;
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

interface StoredRun {
  readonly ids: readonly string[];
  readonly eventCount: number;
  readonly gaps: number;
}

async function readRun(origin: string, runId: string): Promise<StoredRun> {
  const run = await read(origin, `/v1/runs/${runId}`);
  if (run === undefined) return { ids: [], eventCount: 0, gaps: 0 };
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(PAGE_COUNT), ...(cursor === undefined ? {} : { cursor }) });
    const page = await read(origin, `/v1/runs/${runId}/events?${query}`);
    // The shapes are the contract's, which other tests hold.
    const { events, nextCursor } = page as { events: { eventId: string }[]; nextCursor?: string };
    ids.push(...events.map(({ eventId }) => eventId));
    cursor = nextCursor;
  } while (cursor !== undefined);
  const { run: record, gaps } = run as { run: { eventCount: number }; gaps: { from: number; to: number }[] };
  return { ids, eventCount: record.eventCount, gaps: gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0) };
}

const newRun = (name: string): Sent => ({ runId: `${name}-${uuidv7()}`, events: [], acknowledged: new Set() });

/** Kills a server again and again in the middle of taking events in, and looks at what the next one finds. */
export async function killRounds(options: KillRoundsOptions): Promise<readonly KillRound[]> {
  const rounds: KillRound[] = [];
  let child = await startKillServer(options);
  const neighbour = options.hasNeighbour === true ? await startKillServer(options) : undefined;
  try {
    for (let round = 0; round < options.rounds; round++) {
      const sent = Array.from({ length: SENDER_COUNT }, () => newRun(`round-${round}`));
      const besides = newRun(`beside-${round}`);
      const stop = new AbortController();
      const sendingBeside = neighbour === undefined ? undefined : send(neighbour.origin, besides, stop.signal);
      const sending = Promise.all(sent.map((one) => send(child.origin, one)));
      await new Promise((resolve) =>
        setTimeout(resolve, KILL_AFTER_MS_MIN + ((round * KILL_AFTER_MS_STEP) % KILL_AFTER_MS_RANGE)),
      );
      await kill(child);
      await sending;
      child = await startKillServer(options);
      stop.abort();
      await sendingBeside;
      const result = await lookAt(child, round, neighbour === undefined ? sent : [...sent, besides]);
      rounds.push(result);
      options.onRound?.(result);
    }
  } finally {
    await kill(child);
    if (neighbour !== undefined) await kill(neighbour);
  }
  return rounds;
}

async function lookAt(child: RunningChild, round: number, sent: readonly Sent[]): Promise<KillRound> {
  const { origin, openMs, startMs } = child;
  let [acknowledged, lost, doubled, gaps] = [0, 0, 0, 0];
  for (const { runId, events, acknowledged: known } of sent) {
    const stored = await readRun(origin, runId);
    const ids = new Set(stored.ids);
    acknowledged += known.size;
    lost += [...known].filter((eventId) => !ids.has(eventId)).length;
    doubled += stored.ids.length - ids.size + Math.abs(stored.eventCount - ids.size);
    // As a client does: what was not answered is sent once more.
    await post(origin, events.slice(-BATCH_COUNT));
    const after = await readRun(origin, runId);
    doubled += after.ids.length - new Set(after.ids).size + Math.abs(after.eventCount - events.length);
    gaps += after.gaps + Math.abs(events.length - after.ids.length);
  }
  return { round, acknowledged, lost, doubled, gaps, openMs, startMs };
}
