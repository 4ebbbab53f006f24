import type { AuditEvent, IngestResult } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { HttpSink } from "./http-sink.ts";
import {
  type SimAnswer,
  SimClient,
  type SimRequest,
  SimStore,
  SimWorld,
  seededRandom,
} from "./sim-world.test-support.ts";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed + 1);

type Fault = (request: SimRequest) => SimAnswer;

/** A server that is well at times, and otherwise ill in one of the ways servers are. */
class FaultyServer {
  readonly store = new SimStore();
  /** Events that an answer said to have taken. */
  readonly acknowledged = new Set<string>();
  /** Requests that came before the time a 429 or 503 had asked for. */
  impatient = 0;
  #random: () => number;
  #fault: Fault | undefined;
  #poison: (event: AuditEvent) => boolean;
  #notBeforeMs = 0;

  constructor(random: () => number, poison: (event: AuditEvent) => boolean) {
    this.#random = random;
    this.#poison = poison;
  }

  heal(): void {
    this.#fault = undefined;
  }

  changeMood(): void {
    const faults: readonly (Fault | undefined)[] = [
      undefined,
      undefined,
      () => status(503),
      () => status(500),
      (request) => this.#askForPatience(request),
      () => ({ kind: "hang" }),
      () => ({ kind: "reset" }),
      (request) => this.#commitThen(request, { kind: "hang" }),
      (request) => this.#commitThen(request, { kind: "reset" }),
      () => status(200, "<html>Sign in</html>"),
      () => status(401),
      () => status(404),
      (request) => (request.sizeBytes > 3_000 ? status(413) : this.#take(request)),
      (request) => this.store.ingest(request, (event) => this.#mood(event)),
    ];
    this.#fault = faults[Math.floor(this.#random() * faults.length)];
  }

  answer(request: SimRequest): SimAnswer {
    if (request.atMs < this.#notBeforeMs) this.impatient++;
    const answer = this.#fault === undefined ? this.#take(request) : this.#fault(request);
    const parsed = answer.kind === "answer" && answer.body.startsWith("{") ? JSON.parse(answer.body) : undefined;
    for (const { eventId } of parsed === undefined ? [] : request.body.events) {
      const result = parsed.results.find((each: IngestResult) => each.eventId === eventId);
      if (result === undefined || result.status === "duplicate") this.acknowledged.add(eventId);
    }
    return answer;
  }

  #take(request: SimRequest): SimAnswer {
    // The body was made from audit events.
    const events = request.body.events as unknown as readonly AuditEvent[];
    if (events.some(this.#poison)) return status(400);
    return this.store.ingest(request);
  }

  #commitThen(request: SimRequest, answer: SimAnswer): SimAnswer {
    this.#take(request);
    return answer;
  }

  #askForPatience(request: SimRequest): SimAnswer {
    this.#notBeforeMs = request.atMs + 20_000;
    return { kind: "answer", status: 429, body: "", headers: { "retry-after": "20" } };
  }

  #mood(event: AuditEvent): "take" | "reject" | "retry" {
    const value = this.#random();
    if (event.kind === "events.dropped") return "take";
    if (value < 0.05) return "reject";
    return value < 0.3 ? "retry" : "take";
  }
}

function status(code: number, body = ""): SimAnswer {
  return { kind: "answer", status: code, body };
}

function anyEvent(
  client: SimClient,
  { run, length, choice }: { readonly run: string; readonly length: number; readonly choice: number },
): AuditEvent {
  if (choice < 0.33) return client.message(run, length);
  return choice < 0.66 ? client.result(run, length) : client.decision(run);
}

async function simulate(seed: number): Promise<void> {
  const random = seededRandom(seed * 7_919);
  const world = new SimWorld(seed);
  const client = new SimClient();
  const poisoned = new Set<string>();
  const server = new FaultyServer(random, ({ eventId }) => poisoned.has(eventId));
  world.answer = (request) => server.answer(request);
  const queueSizeBytesMax = 20_000 + Math.floor(random() * 200_000);
  const sink = new HttpSink({
    endpoint: "https://control.example",
    apiKey: "key",
    runtime: world.runtime,
    compress: false,
    makeDropped: (report) => client.makeDropped(report),
    queueCountMax: 20 + Math.floor(random() * 300),
    queueSizeBytesMax,
    batchCountMax: 1 + Math.floor(random() * 50),
  });
  const check = (): void => {
    const { emitted, delivered, dropped, spooled, pending, queueSizeBytesPeak } = sink.stats;
    expect(emitted).toBe(delivered + dropped + spooled + pending);
    expect(queueSizeBytesPeak).toBeLessThanOrEqual(queueSizeBytesMax);
    expect([...client.seqs.values()].reduce((sum, seq) => sum + seq, 0)).toBe(emitted);
  };

  for (let step = 0; step < 60; step++) {
    if (random() < 0.3) server.changeMood();
    const burst = Math.floor(random() * 30);
    for (let index = 0; index < burst; index++) {
      const run = `run-${Math.floor(random() * 4)}`;
      const length = random() < 0.05 ? 5_000 : 50;
      const event = anyEvent(client, { run, length, choice: random() });
      if (random() < 0.01) poisoned.add(event.eventId);
      sink.write(event);
    }
    if (random() < 0.2) void sink.flush({ deadlineMs: random() * 10_000 });
    await world.advance(random() * 3_000);
    check();
  }

  server.heal();
  await world.advance(400_000);
  const closed = sink.close();
  await world.advance(5_000);
  const { dropped } = await closed;
  check();
  expect(dropped).toBe(0);
  expect(sink.stats).toMatchObject({ pending: 0, unreportedDrops: 0 });
  // Delivered is what was acknowledged, each event once, and nothing was acknowledged that is not stored.
  expect(sink.stats.delivered).toBe(server.acknowledged.size);
  for (const eventId of server.acknowledged) expect(server.store.events.has(eventId)).toBe(true);
  for (const [runId, seqEnd] of client.seqs) expect(server.store.unexplained(runId, seqEnd)).toEqual([]);
  expect(server.impatient).toBe(0);
  expect(world.timerCount).toBe(0);
}

describe("HttpSink against a faulty server", () => {
  it.each(SEEDS)("[SPEC 8.1] accounts for every event, seed %i", async (seed) => {
    await simulate(seed);
  });
});
