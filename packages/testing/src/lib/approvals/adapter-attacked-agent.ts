import { type HandlebarClient, type Run, type RunSnapshot, type Runtime, withRun } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import type { JsonObject } from "@handlebar/protocol";
import type { AgentOutcome, AgentPlan, PausedAgent } from "../adapter-contract/adapter-subject.ts";
import type { ContractWorld } from "../adapter-contract/contract-world.ts";
import { ExpectationError } from "../contract-case.ts";
import { ATTACKED_TOOL, type AttackedAgent, type AttackedAgentOptions, type ResumePayload } from "./attacked-agent.ts";
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

/** One process: a client of its own, and the framework's agent with one tool and a model that the case speaks for. */
export class AdapterAttackedAgent implements AttackedAgent {
  readonly #world: ContractWorld;
  readonly #options: ProcessOptions;
  readonly #hb: HandlebarClient;
  readonly #model = new LiveModel();
  readonly #ran: JsonObject[] = [];
  readonly #sink = memorySink();
  readonly #runIds = new Set<string>();
  #run: Run | undefined;
  #loop: Promise<AgentOutcome> | undefined;
  #paused: PausedAgent | undefined;
  #isDead = false;

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
    this.#model.propose({ tool: ATTACKED_TOOL, args });
    if (this.#loop === undefined) {
      // A conversation of its own, in the run that there is.
      await this.#start(this.#run ?? this.#latestRun(), (plan) => this.#world.subject.run(plan));
    } else await this.#untilStopped();
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
    this.#paused = undefined;
    await this.#start(this.#run, (plan) => subject.resume?.(plan, sent) ?? Promise.reject(new Error("cannot resume")));
  }

  executed(): readonly JsonObject[] {
    return this.#ran;
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

  /** Lets a loop that is under way come to its end. */
  async close(): Promise<void> {
    this.#model.finish();
    if (this.#loop !== undefined) await this.#world.drive(this.#loop);
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

  async #start(run: Run | undefined, play: (plan: AgentPlan) => Promise<AgentOutcome>): Promise<void> {
    const plan = this.#plan();
    this.#loop = run === undefined ? play(plan) : withRun(run, () => play(plan));
    await this.#untilStopped();
  }

  /** The loop stopped at a held call or came to its end, or the tool ran or was denied and the model is asked again. */
  async #untilStopped(): Promise<void> {
    const loop = this.#loop;
    if (loop === undefined) return;
    const asked = this.#model.isAsked ? Promise.resolve() : this.#model.untilAsked();
    const outcome = await this.#world.drive(Promise.race([asked, loop]));
    this.#noteRuns();
    if (outcome === undefined) return;
    this.#loop = undefined;
    if (outcome.status === "failed") throw outcome.error;
    this.#paused = outcome.paused;
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

  #plan(): AgentPlan {
    return this.#world.plan({
      hb: this.#hb,
      start: { actor: { externalId: this.#options.actor } },
      model: this.#model,
      tools: [
        {
          name: ATTACKED_TOOL,
          tags: [],
          execute: (args) => {
            this.#ran.push(args);
            return "sent";
          },
        },
      ],
      approvals: "native",
    });
  }
}
