import { type HandlebarClient, type Run, type RunSnapshot, type Runtime, withRun } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import type { JsonObject } from "@handlebar/protocol";
import type { AgentOutcome, AgentPlan, PausedAgent } from "../adapter-contract/adapter-subject.ts";
import type { ContractWorld } from "../adapter-contract/contract-world.ts";
import { ExpectationError } from "../contract-case.ts";
import { ATTACKED_TOOL, type AttackedAgent, type AttackedAgentOptions, type ResumePayload } from "./attacked-agent.ts";
import { AttackedTool } from "./attacked-tool.ts";
import { LiveModel } from "./live-model.ts";

/**
 * Who starts the run of an agent: the adapter with each call of the framework, which goes on from what the framework kept; or the
 * program, which hands its run and that run's snapshot on.
 */
export type RunOwner = "adapter" | "program";

export interface ProcessOptions extends Omit<AttackedAgentOptions, "runId"> {
  readonly owner: RunOwner;
  /** The run that the program starts; absent where the adapter starts one. */
  readonly runId: string | undefined;
  /** Told of each run that begins in this process. */
  readonly onRun: (runId: string) => void;
}

/** What a stopped process leaves: all of it as a program would store it. */
interface Left {
  readonly paused: PausedAgent | undefined;
  readonly snapshot: RunSnapshot | undefined;
}

/** One call of the framework. */
interface Loop {
  readonly model: LiveModel;
  readonly outcome: Promise<AgentOutcome>;
  isOver: boolean;
}

/** One process: a client of its own, and the framework's agent with one tool and models that the case speaks for. */
export class AdapterAttackedAgent implements AttackedAgent {
  readonly #world: ContractWorld;
  readonly #options: ProcessOptions;
  readonly #hb: HandlebarClient;
  readonly #tool = new AttackedTool();
  readonly #sink = memorySink();
  readonly #runIds = new Set<string>();
  #run: Run | undefined;
  readonly #loops: Loop[] = [];
  /** What the loop that paused last left. */
  #paused: PausedAgent | undefined;
  #isDead = false;
  #callCount = 0;

  constructor(world: ContractWorld, options: ProcessOptions) {
    this.#world = world;
    this.#options = options;
    const { runtime } = world.sim;
    const reach: Partial<Runtime> = {
      fetch: (url, init) =>
        this.#isDead ? Promise.reject(new TypeError("the process is gone")) : runtime.fetch(url, init),
    };
    this.#hb = world.connectedClient({
      agent: { slug: options.agent ?? "bank" },
      runtime: { ...runtime, ...reach },
      sinks: [this.#sink],
    });
    // Only `handOver` of this class gives something to go on from.
    const left = options.from as Left | undefined;
    this.#paused = left?.paused;
    this.#run = this.#started(left);
  }

  async ready(): Promise<void> {
    const { policies } = await this.#world.drive(this.#hb.ready());
    if (policies.length === 0) throw new ExpectationError("the policies in force", policies, ["one"]);
  }

  async propose(args: JsonObject): Promise<void> {
    this.#callCount++;
    const call = { callId: `call-${this.#callCount}`, tool: ATTACKED_TOOL, args };
    const going = this.#loops.findLast(({ isOver }) => !isOver);
    if (going !== undefined) {
      going.model.propose(call);
      return this.#untilStopped(going);
    }
    const model = new LiveModel();
    model.propose(call);
    // A conversation of its own, in the run that there is.
    await this.#start(model, this.#run ?? this.#latestRun(), (plan) => this.#world.subject.run(plan));
  }

  async resume({ says, args }: ResumePayload): Promise<void> {
    const { subject } = this.#world;
    const paused = this.#paused;
    if (paused === undefined || subject.resume === undefined) {
      throw new ExpectationError("what to go on with", paused, "a paused agent");
    }
    const claimed = says === "approved" ? paused.approvedByCaller() : paused;
    const sent = args === undefined ? claimed : claimed.withArgs?.(args);
    if (sent === undefined) throw new ExpectationError("the arguments", args, "changed in what is sent");
    const { resume } = subject;
    await this.#start(new LiveModel(), this.#run, (plan) => resume(plan, sent));
  }

  untilRunning(): Promise<void> {
    return this.#world.drive(this.#tool.running);
  }

  letFinish(): void {
    this.#tool.letFinish();
  }

  executed(): readonly JsonObject[] {
    return this.#tool.ran;
  }

  async handOver(): Promise<Left> {
    return { paused: this.#paused, snapshot: this.#run?.pause() };
  }

  async end(): Promise<void> {
    const run = this.#run ?? this.#latestRun();
    if (run !== undefined) await this.#world.drive(run.end());
  }

  async kill(): Promise<void> {
    this.#isDead = true;
  }

  /** Lets loops that are under way come to their end. */
  async close(): Promise<void> {
    this.letFinish();
    for (const { model } of this.#loops) model.finish();
    await this.#world.drive(Promise.all(this.#loops.map(({ outcome }) => outcome)));
    await this.kill();
  }

  #started(left: Left | undefined): Run | undefined {
    const { runId, actor, owner } = this.#options;
    const goesOnByItself = left !== undefined && owner === "adapter";
    if (runId === undefined || goesOnByItself) return undefined;
    const snapshot = left?.snapshot;
    const run = this.#hb.startRun({
      runId,
      actor: { externalId: actor },
      ...(snapshot === undefined ? {} : { snapshot }),
    });
    this.#noteRuns();
    return run;
  }

  async #start(
    model: LiveModel,
    run: Run | undefined,
    play: (plan: AgentPlan) => Promise<AgentOutcome>,
  ): Promise<void> {
    const plan = this.#plan(model);
    const loop: Loop = {
      model,
      outcome: run === undefined ? play(plan) : withRun(run, () => play(plan)),
      isOver: false,
    };
    this.#loops.push(loop);
    await this.#untilStopped(loop);
  }

  /** The loop stopped at a held call or came to its end, or the tool ran or was denied and the model is asked again. */
  async #untilStopped(loop: Loop): Promise<void> {
    const outcome = await this.#world.drive(Promise.race([loop.model.untilAsked(), loop.outcome]));
    this.#noteRuns();
    if (outcome === undefined) return;
    loop.isOver = true;
    if (outcome.status === "failed") throw outcome.error;
    if (outcome.paused !== undefined) this.#paused = outcome.paused;
  }

  #noteRuns(): void {
    for (const { kind, runId } of this.#sink.events) {
      if (kind !== "run.started" || this.#runIds.has(runId)) continue;
      this.#runIds.add(runId);
      this.#options.onRun(runId);
    }
  }

  /** The newest run of this process, as long as it is not over. */
  #latestRun(): Run | undefined {
    const runId = [...this.#runIds].at(-1);
    return runId === undefined ? undefined : this.#hb.startRun({ runId });
  }

  #plan(model: LiveModel): AgentPlan {
    return this.#world.plan({
      hb: this.#hb,
      start: { actor: { externalId: this.#options.actor } },
      model,
      tools: [{ name: ATTACKED_TOOL, tags: [], execute: (args) => this.#tool.execute(args) }],
      approvals: "native",
    });
  }
}
