import { setTimeout as pause } from "node:timers/promises";
import { Handlebar, type HandlebarClient, type Run } from "@handlebar/core";
import { machineMs } from "./crew.ts";
import { type ClientRound, emptyRound } from "./lockdown-round.ts";

/**
 * Agents at work, each a client of its own with a run whose tools follow one another. Asked `running` it answers once each of them uses tools
 * and has nothing more to tell the control plane, `obeying` once the control plane has answered each one's acknowledgement of a stop, `again`
 * once each of them has tried a new run in spite of it, and `round` with what happened since the last `running`.
 */
const [origin = "", apiKey = "", countText = "1"] = process.argv.slice(2);
const TOOL_MS = 500;
/** Between its looks at whether it may go on. */
const LOOK_EVERY_MS = 20;

class BusyAgent {
  readonly hb: HandlebarClient;
  #run: Run;
  #isOver = false;
  #round = emptyRound();
  /** Requests that the control plane does not hold. */
  #underWay = 0;
  #onObeyed: () => void = () => undefined;

  constructor() {
    this.hb = Handlebar.init({
      agent: { slug: "support" },
      apiKey,
      endpoint: origin,
      sinks: [],
      runtime: { fetch: (url, init) => this.#fetch(url, init) },
    });
    this.#run = this.hb.startRun();
  }

  async work(): Promise<void> {
    while (!this.#isOver) {
      while (await this.#useTool());
      void this.#run.end();
      while (!this.#isOver && this.hb.status.lockdowns.length > 0) await pause(LOOK_EVERY_MS);
      this.#run = this.hb.startRun();
    }
  }

  /** Tries to go on in spite of a stop. */
  async again(): Promise<void> {
    this.#run = this.hb.startRun();
    await this.#useTool();
    void this.#run.end();
  }

  /** Resolves when tools are used and the control plane knows all that it is to know. */
  async running(): Promise<void> {
    while (this.#run.terminated || this.#underWay > 0) await pause(LOOK_EVERY_MS);
    this.#round = emptyRound();
    while (this.#round.startCount === 0) await pause(LOOK_EVERY_MS);
  }

  /** Resolves when an acknowledgement of a stop was answered. */
  obeying(): Promise<void> {
    if (this.#round.ackAnsweredMs !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onObeyed = resolve;
    });
  }

  get round(): ClientRound {
    return this.#round;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.hb.shutdown();
  }

  /** Whether the run may go on. */
  async #useTool(): Promise<boolean> {
    const { status } = await this.#run.tool({ name: "work", args: {} }, async (_, { signal }) => {
      this.#started();
      await pause(TOOL_MS * (0.5 + Math.random()), undefined, { signal }).catch(() => {
        this.#round.abortedMs = machineMs();
      });
    });
    return status === "done" && !this.#run.terminated;
  }

  #started(): void {
    const round = this.#round;
    round.lastStartMs = machineMs();
    round.startCount += 1;
    if (round.ackSentMs !== undefined) round.lateStartCount += 1;
  }

  async #fetch(url: string, init: Parameters<typeof fetch>[1] & { readonly method: string }): Promise<Response> {
    const isHeld = init.method === "GET";
    const isStopped = url.endsWith("/ack") && /"lockdownIds":\["/.test(String(init.body));
    if (isStopped) this.#round.ackSentMs ??= machineMs();
    if (!isHeld) this.#underWay += 1;
    const answer = await fetch(url, init).finally(() => {
      if (!isHeld) this.#underWay -= 1;
    });
    if (isStopped && answer.ok) {
      this.#round.ackAnsweredMs ??= machineMs();
      this.#onObeyed();
    }
    return answer;
  }
}

const agents = Array.from({ length: Number(countText) }, () => new BusyAgent());
await Promise.all(agents.map(({ hb }) => hb.ready()));
for (const agent of agents) void agent.work();
process.send?.("ready");
process.on("message", async (question) => {
  if (question === "running") await Promise.all(agents.map((agent) => agent.running()));
  if (question === "obeying") await Promise.all(agents.map((agent) => agent.obeying()));
  if (question === "again") await Promise.all(agents.map((agent) => agent.again()));
  process.send?.(question === "round" ? agents.map(({ round }) => round) : question);
});
process.on("disconnect", () => void Promise.all(agents.map((agent) => agent.stop())).then(() => process.exit(0)));
