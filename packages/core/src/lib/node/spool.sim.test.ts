import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { balance } from "../sinks/http-sink.test-support.ts";
import { HttpSink } from "../sinks/http-sink.ts";
import { SimClient, SimStore, SimWorld, seededRandom } from "../sinks/sim-world.test-support.ts";
import { fileSpool } from "./spool.ts";

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed + 1);

interface Life {
  readonly world: SimWorld;
  readonly client: SimClient;
  readonly sink: HttpSink;
}

function start(seed: number, dir: string, client: SimClient, mode: "overflow" | "wal"): Life {
  const world = new SimWorld(seed);
  const sink = new HttpSink({
    endpoint: "https://control.example",
    apiKey: "key",
    runtime: world.runtime,
    compress: false,
    makeDropped: (report) => client.makeDropped(report),
    queueCountMax: 40,
    queueSizeBytesMax: 20_000,
    batchCountMax: 10,
    spool: fileSpool({ dir, mode, runtime: world.runtime, segmentSizeBytesMax: 8_000, sizeBytesMax: 60_000 }),
  });
  return { world, client, sink };
}

async function live({ world, client, sink }: Life, store: SimStore, random: () => number): Promise<void> {
  let isUp = random() < 0.5;
  world.answer = (request) => (isUp ? store.ingest(request) : { kind: "reset" });
  for (let step = 0; step < 40; step++) {
    if (random() < 0.2) isUp = !isUp;
    const burst = Math.floor(random() * 30);
    for (let index = 0; index < burst; index++) {
      sink.write(random() < 0.5 ? client.message(`run-${index % 3}`, 100) : client.decision(`run-${index % 3}`));
    }
    await world.advance(random() * 3_000);
    expect(balance(sink.stats)).toBe(0);
  }
  isUp = random() < 0.5;
  const closed = sink.close({ deadlineMs: 2_000 });
  await world.advance(2_000);
  await closed;
  for (const { reason } of sink.stats.drops) expect(reason).toBe("spool_full");
  expect(sink.stats.pending).toBe(0);
  expect(balance(sink.stats)).toBe(0);
}

async function simulate(seed: number, mode: "overflow" | "wal"): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "handlebar-spool-"));
  const random = seededRandom(seed * 104_729);
  const store = new SimStore();
  const client = new SimClient();
  const totals = { emitted: 0, delivered: 0, dropped: 0, duplicates: 0 };
  const add = ({ stats }: HttpSink): void => {
    totals.emitted += stats.emitted;
    totals.delivered += stats.delivered;
    totals.dropped += stats.dropped;
    totals.duplicates += stats.duplicates;
  };
  try {
    for (let life = 0; life < 3; life++) {
      const running = start(seed * 10 + life, dir, client, mode);
      await live(running, store, random);
      add(running.sink);
    }
    const last = start(seed * 10 + 9, dir, client, mode);
    last.world.answer = (request) => store.ingest(request);
    await last.world.advance(120_000);
    await last.sink.close();
    add(last.sink);
    expect(readdirSync(dir)).toEqual([]);
    expect(totals.emitted).toBe(totals.delivered - totals.duplicates + totals.dropped);
    expect(store.events.size).toBe(totals.delivered - totals.duplicates);
    expect(last.sink.stats.unreportedDrops).toBe(0);
    for (const [runId, seqEnd] of client.seqs) expect(store.unexplained(runId, seqEnd)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

it("a write-ahead spool is empty once everything is delivered", async () => {
  const dir = mkdtempSync(join(tmpdir(), "handlebar-spool-"));
  const world = new SimWorld(1);
  const store = new SimStore();
  world.answer = (request) => store.ingest(request);
  const spool = fileSpool({ dir, mode: "wal", runtime: world.runtime });
  const sink = new HttpSink({
    endpoint: "https://control.example",
    apiKey: "key",
    runtime: world.runtime,
    compress: false,
    spool,
  });
  sink.write(new SimClient().decision("run"));
  expect(spool.stats.sizeBytes).toBeGreaterThan(0);
  await world.advance(1_000);
  expect(spool.stats).toEqual({ sizeBytes: 0, failures: 0, tornLines: 0 });
  await sink.close();
  rmSync(dir, { recursive: true });
});

describe("HttpSink with a spool, over several lives of a process", () => {
  it.each(SEEDS)("delivers or reports every event, overflow, seed %i", async (seed) => {
    await simulate(seed, "overflow");
  });

  it.each(SEEDS)("delivers or reports every event, write-ahead, seed %i", async (seed) => {
    await simulate(seed, "wal");
  });
});
