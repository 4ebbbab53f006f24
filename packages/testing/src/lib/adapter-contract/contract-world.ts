import { Handlebar, type HandlebarClient, type HandlebarConfig } from "@handlebar/core";
import { type MemorySink, memorySink } from "@handlebar/core/sinks";
import type { AuditEvent, EventKind, Policy, Rule } from "@handlebar/protocol";
import { ExpectationError } from "../contract-case.ts";
import { createScriptedControlPlane, type ScriptedControlPlane } from "../scripted-control-plane.ts";
import { createSimRuntime, type SimRuntime } from "../sim-runtime.ts";
import type { AdapterMode, AdapterSubject, AgentOutcome, AgentPlan } from "./adapter-subject.ts";
import { ScriptedModel } from "./scripted-model.ts";

const API = "https://api.test";
const MODEL_CALL_COUNT_MAX = 40;
/** Turns of the host's event loop that one drive may take; far above what any case needs. */
const TURN_COUNT_MAX = 20_000;

export interface ClientOptions extends Partial<HandlebarConfig> {
  readonly rules?: readonly Rule[] | undefined;
}

/** What one case plays in: an adapter in one mode, clients in fake time, and a control plane where one is asked for. */
export class ContractWorld {
  readonly subject: AdapterSubject;
  readonly mode: AdapterMode;
  readonly sim: SimRuntime;
  readonly sink: MemorySink;
  readonly #clients: HandlebarClient[] = [];
  #plane: ScriptedControlPlane | undefined;
  #turning: Promise<void> | undefined;

  constructor(subject: AdapterSubject, mode: AdapterMode) {
    this.subject = subject;
    this.mode = mode;
    this.sim = createSimRuntime(`${subject.framework} ${mode.name}`, { latencyMs: 0 });
    this.sink = memorySink();
  }

  /** A client without a control plane: rules make one inline policy. */
  client({ rules, ...config }: ClientOptions = {}): HandlebarClient {
    const policies: readonly Policy[] = [{ name: "contract", rules: [...(rules ?? [])] }];
    return this.#keep({ policies, ...config });
  }

  /** A client of the scripted control plane, with nothing inline. */
  connectedClient(config: Partial<HandlebarConfig> = {}): HandlebarClient {
    return this.#keep({ apiKey: "key", endpoint: API, ...config });
  }

  plane(rules: readonly Rule[] = []): ScriptedControlPlane {
    if (this.#plane === undefined) {
      const policies: readonly Policy[] = [{ id: "contract", name: "contract", rules: [...rules] }];
      this.#plane = createScriptedControlPlane(this.sim.runtime, { policies, streams: false });
      this.sim.network.serve(API, this.#plane.handler);
    }
    return this.#plane;
  }

  /** Runs the agent, with what the plan does not say filled in. */
  run(plan: Partial<AgentPlan>): Promise<AgentOutcome> {
    return this.drive(this.subject.run(this.plan(plan)));
  }

  plan(plan: Partial<AgentPlan>): AgentPlan {
    return {
      mode: this.mode,
      hb: undefined,
      start: {},
      model: new ScriptedModel([{ say: "done" }]),
      tools: [],
      system: undefined,
      prompt: "go",
      approvals: "block",
      signal: undefined,
      consume: "all",
      stepCountMax: MODEL_CALL_COUNT_MAX,
      retryCount: 0,
      governTwice: false,
      ...plan,
    };
  }

  /** Awaits what may need fake time to pass, such as an answer of the control plane, while real work goes on beside it. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    work.then(mark, mark);
    for (let turn = 0; turn < TURN_COUNT_MAX && !isSettled; turn++) {
      await this.turn();
    }
    if (!isSettled) throw new ExpectationError("the agent comes to an end", "pending", "settled");
    return await work;
  }

  /** One turn of the host's event loop, which all that are driven at once share. */
  turn(): Promise<void> {
    // Small steps: a request answers at once, and nothing that waits for minutes falls due meanwhile.
    this.#turning ??= this.sim.clock.advance(this.#plane === undefined ? 0 : 1).finally(() => {
      this.#turning = undefined;
    });
    return this.#turning;
  }

  /** Lets what is ready run. */
  settle(): Promise<void> {
    return this.sim.clock.settle();
  }

  /** Events of runs, in order of their writing. */
  get events(): readonly AuditEvent[] {
    return this.sink.events.filter((event) => !event.runId.startsWith("client-"));
  }

  eventsOf<K extends EventKind>(kind: K): readonly AuditEvent<K>[] {
    // The kind decides which of the union's members an event is.
    return this.events.filter((event) => event.kind === kind) as unknown as readonly AuditEvent<K>[];
  }

  async close(): Promise<void> {
    for (const hb of this.#clients) await this.sim.clock.runUntil(hb.shutdown());
  }

  #keep(config: Partial<HandlebarConfig>): HandlebarClient {
    const hb = Handlebar.init({
      agent: { slug: "contract" },
      sinks: [this.sink],
      runtime: this.sim.runtime,
      ...config,
    });
    this.#clients.push(hb);
    return hb;
  }
}

/** A world in which nothing has happened. Close it. */
export function openWorld(subject: AdapterSubject, mode: AdapterMode): ContractWorld {
  return new ContractWorld(subject, mode);
}
