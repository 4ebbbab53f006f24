import {
  type CachedState,
  Handlebar,
  type HandlebarClient,
  type Run,
  type Runtime,
  type StateCache,
} from "@handlebar/core";
import { type Lockdown, type LockdownScope, lockdownAnswerSchema } from "@handlebar/protocol";
import { createSimRuntime, type SeededRandom } from "@handlebar/testing";
import type { SimPlane } from "./sim-plane.fixture.ts";
import { type MortalRuntime, skewedRuntime } from "./skewed-runtime.fixture.ts";

/** What is done, and for whom: what a stop order may cover. */
interface Doing {
  readonly agent: string;
  readonly actor: string;
  readonly session: string;
  readonly tool: string;
}

interface Process extends MortalRuntime {
  readonly hb: HandlebarClient;
  readonly clientId: { current: string };
  /** The stop orders that it last said it obeys. */
  claims: readonly string[];
  /** All that it ever said it obeys. */
  readonly everClaimed: Set<string>;
  /** Calls under way. */
  readonly underWay: Map<number, Doing & { readonly run: Run }>;
}

interface Place {
  readonly at: number;
  readonly agent: string;
  /** Stays when its process dies. */
  readonly cache: StateCache;
  process: Process | undefined;
}

interface Order {
  readonly lockdown: Lockdown;
  /** On the server's clock. */
  liftedAtMs: number;
}

const AGENTS = ["support", "billing"];
const ACTORS = ["u0", "u1", "u2"];
const SESSIONS = ["s0", "s1"];
const TOOLS = ["read", "pay"];

/** Agents at work, an operator who stops them and lets them go on, and a watch over what starts after it must not. */
export class LockdownWorld {
  readonly plane: SimPlane;
  readonly random: SeededRandom;
  readonly #places: Place[] = [];
  readonly #orders = new Map<string, Order>();
  readonly #claimsOf = new Map<string, ReadonlySet<string>>();
  #processCount = 0;
  #callCount = 0;
  #isAtRest = false;
  startedCount = 0;
  /** What happened and must not have. */
  readonly wrong: string[] = [];

  constructor(plane: SimPlane) {
    this.plane = plane;
    this.random = plane.random.fork("world");
  }

  start(count: number): void {
    for (let at = 0; at < count; at++) {
      const agent = AGENTS[at % AGENTS.length] ?? "support";
      this.#places.push({ at, agent, cache: memoryCache(), process: undefined });
      this.startProcess(at);
    }
  }

  startProcess(at: number): void {
    const place = this.#places[at];
    if (place === undefined || place.process !== undefined) return;
    const name = `process ${this.#processCount++}`;
    const random = this.random.fork(name);
    const { clock, network } = this.plane;
    const { runtime } = createSimRuntime(`${this.random.seed}/${name}`, { clock, network });
    // Clocks that are far off, and drift as clocks do.
    const skew = { offsetMs: random.int(-3_600_000, 3_600_000), rate: 0.9995 + random.next() * 0.001 };
    const mortal = skewedRuntime(runtime, skew);
    const clientId = { current: "" };
    const watched: Runtime = {
      ...mortal.runtime,
      fetch: (url, init) => {
        clientId.current = new Headers(init.headers).get("handlebar-client") ?? clientId.current;
        if (url.endsWith("/ack")) this.#said(place, process, String(init.body));
        return mortal.runtime.fetch(url, init);
      },
    };
    const hb = Handlebar.init({
      agent: { slug: place.agent },
      apiKey: this.plane.agentKey,
      endpoint: this.plane.origin,
      evaluation: random.chance(0.3) ? "remote" : "local",
      stateCache: place.cache,
      sinks: [],
      runtime: watched,
    });
    const process: Process = {
      ...mortal,
      hb,
      clientId,
      claims: [],
      everClaimed: new Set(),
      underWay: new Map(),
    };
    place.process = process;
    for (const actor of ACTORS) {
      void this.#work(place, process, { agent: place.agent, actor, session: pick(SESSIONS, random), random });
    }
  }

  kill(at: number): void {
    const place = this.#places[at];
    place?.process?.kill();
    if (place !== undefined) place.process = undefined;
  }

  async stopSomething(): Promise<void> {
    const scope = this.#scope();
    const until = this.random.chance(0.3) ? this.plane.nowMs() + this.random.int(2_000, 20_000) : undefined;
    const body = { scope, ...(until === undefined ? {} : { until: new Date(until).toISOString() }) };
    const { lockdown } = lockdownAnswerSchema.parse(await this.plane.call("POST", "/v1/lockdowns", body));
    this.#orders.set(lockdown.lockdownId, { lockdown, liftedAtMs: until ?? Number.POSITIVE_INFINITY });
  }

  async liftSomething(): Promise<void> {
    const held = [...this.#orders.values()].filter(({ liftedAtMs }) => liftedAtMs > this.plane.nowMs());
    if (held.length === 0) return;
    const order = pick(held, this.random);
    // From the moment of the request on: the answer may come later than the clients learn of it.
    order.liftedAtMs = Math.min(order.liftedAtMs, this.plane.nowMs());
    await this.plane.call("DELETE", `/v1/lockdowns/${order.lockdown.lockdownId}`);
  }

  /** Ids of the orders in force. */
  get inForce(): readonly string[] {
    const nowMs = this.plane.nowMs();
    return [...this.#orders.values()]
      .filter(({ liftedAtMs }) => liftedAtMs > nowMs)
      .map(({ lockdown }) => lockdown.lockdownId)
      .sort();
  }

  /** What each living process has in force. */
  get applied(): readonly (readonly string[])[] {
    return this.#places.flatMap(({ process }) =>
      process === undefined ? [] : [process.hb.status.lockdowns.map(({ lockdownId }) => lockdownId).sort()],
    );
  }

  /** All that a client ever said it obeys. */
  claimsOf(clientId: string): ReadonlySet<string> {
    return this.#claimsOf.get(clientId) ?? new Set();
  }

  get livingClientIds(): readonly string[] {
    return this.#places.flatMap(({ process }) => (process === undefined ? [] : [process.clientId.current]));
  }

  /** No more work is begun. */
  rest(): void {
    this.#isAtRest = true;
  }

  async stop(): Promise<void> {
    this.rest();
    const clients = this.#places.flatMap(({ process }) => (process === undefined ? [] : [process.hb]));
    await this.plane.clock.runUntil(Promise.all(clients.map((hb) => hb.shutdown())));
  }

  #said(place: Place, process: Process, body: string): void {
    const { clientId, lockdownIds } = JSON.parse(body) as { clientId: string; lockdownIds: readonly string[] };
    process.claims = lockdownIds;
    for (const id of lockdownIds) process.everClaimed.add(id);
    this.#claimsOf.set(clientId, process.everClaimed);
    for (const [call, doing] of process.underWay) {
      const order = this.#orderFor(process, doing);
      if (order === undefined || order.lockdown.scope.kind === "tool" || doing.run.signal.aborted) continue;
      this.wrong.push(`process of place ${place.at} obeys ${describe(order)} while call ${call} goes on unaborted`);
    }
  }

  /** An order in force that the process says it obeys and that covers this. */
  #orderFor(process: Process, doing: Doing): Order | undefined {
    const nowMs = this.plane.nowMs();
    return process.claims
      .map((id) => this.#orders.get(id))
      .find(
        (order) => order !== undefined && order.liftedAtMs - UNTIL_EARLY_MS > nowMs && covers(order.lockdown, doing),
      );
  }

  async #work(
    place: Place,
    process: Process,
    given: { readonly agent: string; readonly actor: string; readonly session: string; readonly random: SeededRandom },
  ): Promise<void> {
    const { actor, session } = given;
    const random = given.random.fork(actor);
    const isOver = (): boolean => this.#isAtRest || place.process !== process;
    const begin = (): Run => process.hb.startRun({ actor: { externalId: actor }, sessionId: session });
    for (let run = begin(); !isOver(); ) {
      await this.#sleep(random.int(50, 1_000));
      if (isOver()) return;
      if (run.terminated) run = begin();
      const doing = { ...given, tool: pick(TOOLS, random) };
      if (random.chance(0.5)) await this.#useTool(process, run, { doing, random, isOver });
      else await this.#useBatch(process, run, { doing, random, isOver });
    }
  }

  async #useTool(process: Process, run: Run, call: Call): Promise<void> {
    const { doing, random, isOver } = call;
    await run.tool({ name: doing.tool, args: {} }, async () => {
      if (isOver()) return "gone";
      await this.#execute(process, run, { doing, random });
      return "done";
    });
  }

  /** As a loop of one's own does: what was let through starts in the turn of the decision. */
  async #useBatch(process: Process, run: Run, call: Call): Promise<void> {
    const { doing, random, isOver } = call;
    const calls = TOOLS.map((name) => ({ name, args: {} }));
    const decisions = await run.beforeTools(calls);
    for (const decision of decisions) {
      if (decision.verdict === "BLOCK" || isOver()) continue;
      void this.#execute(process, run, { doing: { ...doing, tool: decision.name }, random }).then(() => {
        if (!isOver()) void run.afterTool(decision, { result: "done" });
      });
    }
  }

  async #execute(
    process: Process,
    run: Run,
    { doing, random }: { readonly doing: Doing; readonly random: SeededRandom },
  ): Promise<void> {
    this.startedCount += 1;
    const call = this.#callCount++;
    const order = this.#orderFor(process, doing);
    if (order !== undefined) this.wrong.push(`call ${call} of ${doing.tool} started against ${describe(order)}`);
    process.underWay.set(call, { ...doing, run });
    await this.#sleep(random.int(0, 400));
    process.underWay.delete(call);
  }

  #scope(): LockdownScope {
    const { random } = this;
    return pick<LockdownScope>(
      [
        { kind: "workspace" },
        { kind: "agent", slug: pick(AGENTS, random) },
        { kind: "actor", externalId: pick(ACTORS, random) },
        { kind: "session", sessionId: pick(SESSIONS, random) },
        { kind: "tool", name: pick(TOOLS, random) },
      ],
      random,
    );
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.plane.clock.timers.set(resolve, ms);
    });
  }
}

interface Call {
  readonly doing: Doing;
  readonly random: SeededRandom;
  readonly isOver: () => boolean;
}

/** Clocks that differ by less than a second are taken for the same, and drift a little. */
const UNTIL_EARLY_MS = 1_100;

function covers({ scope }: Lockdown, { agent, actor, session, tool }: Doing): boolean {
  if (scope.kind === "agent") return scope.slug === agent;
  if (scope.kind === "actor") return scope.externalId === actor;
  if (scope.kind === "session") return scope.sessionId === session;
  return scope.kind === "workspace" || scope.name === tool;
}

function describe({ lockdown }: Order): string {
  return `${lockdown.lockdownId} (${JSON.stringify(lockdown.scope)}${lockdown.until === undefined ? "" : ` until ${lockdown.until}`})`;
}

function pick<T>(items: readonly T[], random: SeededRandom): T {
  // One item at least is given.
  return items[random.int(0, items.length - 1)] as T;
}

function memoryCache(): StateCache {
  let kept: CachedState | undefined;
  return {
    load: () => kept,
    save: (_, state) => {
      kept = state;
    },
    flush: () => Promise.resolve(),
  };
}
