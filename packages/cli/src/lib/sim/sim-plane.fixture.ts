import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createdKeySchema } from "@handlebar/protocol";
import { createLog, createServer, type EmbeddedServer, openSqliteStore, type ServerRuntime } from "@handlebar/server";
import {
  createFakeClock,
  createRandom,
  createSimIds,
  createSimNetwork,
  type FakeClock,
  type SeededRandom,
  type SimNetwork,
  type SimRequest,
  type SimResponse,
} from "@handlebar/testing";
import { SimStreamResponse } from "./sim-stream.fixture.ts";

/** The real control plane, on SQLite, behind a simulated network and on a clock that moves when it is told to. */
export interface SimPlane {
  readonly origin: string;
  readonly clock: FakeClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  /** What an SDK has. */
  readonly agentKey: string;
  /** The server's own wall clock. */
  nowMs(): number;
  /** How far it was stepped up to now, whichever way. */
  readonly steppedMs: number;
  /** Moves the server's wall clock alone. */
  stepClock(ms: number): void;
  /** Asks its API as its operator, beside the network. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** It is gone in the middle of whatever it does: connections break, answers are lost, and what was committed stays. */
  crash(): Promise<void>;
  /** Starts it again on the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const ORIGIN = "https://plane.test";

export async function startSimPlane(seed: number | string): Promise<SimPlane> {
  const plane = new Plane(createRandom(seed));
  await plane.restart();
  plane.agentKey = createdKeySchema.parse(await plane.call("POST", "/v1/keys", { name: "sdk" })).secret;
  return plane;
}

class Plane implements SimPlane {
  readonly origin = ORIGIN;
  readonly clock: FakeClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  agentKey = "";
  readonly #folder = mkdtempSync(join(tmpdir(), "hb-sim-"));
  readonly #runtime: ServerRuntime;
  #adminKey: string | undefined;
  #server: EmbeddedServer | undefined;
  /** Requests that the server answers without waiting for the clock. */
  #underWay = 0;
  steppedMs = 0;
  #wallOffsetMs = 0;
  /** Counts starts: what was asked of one that is gone is not answered. */
  #life = 0;

  constructor(random: SeededRandom) {
    this.random = random;
    this.clock = createFakeClock({ isBusy: () => this.#underWay > 0 });
    this.network = createSimNetwork({ clock: this.clock, random: random.fork("network") });
    const ids = createSimIds(this.clock.clock, random.fork("server ids"));
    this.#runtime = {
      nowMs: () => this.nowMs(),
      monotonicMs: () => this.clock.clock.monotonicMs(),
      newId: () => ids.next(),
      after: (delayMs, run) => this.clock.timers.set(run, delayMs),
    };
  }

  nowMs(): number {
    return Math.floor(this.clock.clock.nowMs() + this.#wallOffsetMs);
  }

  stepClock(ms: number): void {
    this.#wallOffsetMs += ms;
    this.steppedMs += Math.abs(ms);
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.#server?.fetch(
      new Request(`${ORIGIN}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#adminKey}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const text = (await response?.text()) ?? "";
    if (response?.ok !== true) throw new Error(`${method} ${path} was answered ${response?.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  async restart(): Promise<void> {
    const life = ++this.#life;
    const store = await openSqliteStore({ folder: this.#folder, durability: "normal", nowMs: () => this.nowMs() });
    const server = createServer({
      store,
      runtime: this.#runtime,
      log: createLog("silent"),
      rateLimit: { perSecond: 1_000_000, burst: 1_000_000 },
      drainTimeoutMs: 0,
      retentionDays: 0,
    });
    this.#server = server;
    this.#adminKey = (await server.start()) ?? this.#adminKey;
    this.network.serve(ORIGIN, (request) => this.#handle(server, request, life));
  }

  async crash(): Promise<void> {
    this.#life += 1;
    this.network.remove(ORIGIN);
    this.network.cutStreams();
    const server = this.#server;
    this.#server = undefined;
    const stopped = server?.stop();
    // Its drain waits for the clock, if only for no time at all.
    await this.clock.settle();
    await stopped;
  }

  async stop(): Promise<void> {
    await this.crash();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #handle(server: EmbeddedServer, request: SimRequest, life: number): Promise<SimResponse> {
    const isHeld = request.query.has("wait");
    if (!isHeld) this.#underWay += 1;
    try {
      const outgoing = request.path.endsWith("/stream") ? new SimStreamResponse() : undefined;
      const response = await server.fetch(toRequest(request), outgoing === undefined ? undefined : { outgoing });
      if (life !== this.#life) return { status: 502 };
      if (outgoing?.isStarted === true) {
        return {
          status: 200,
          headers: { "content-type": "text/event-stream" },
          body: (writer) => outgoing.attach(writer),
        };
      }
      const body = await response.text();
      return { status: response.status, headers: Object.fromEntries(response.headers), body };
    } finally {
      if (!isHeld) this.#underWay -= 1;
    }
  }
}

function toRequest({ url, method, headers, body, signal }: SimRequest): Request {
  return new Request(url, { method, headers, signal, ...(body.length === 0 ? {} : { body }) });
}
