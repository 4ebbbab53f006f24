import { Handlebar, type HandlebarClient, type Run, type Sink } from "@handlebar/core";
import { labelsOf } from "@handlebar/engine";
import type { ApprovalAnswer, Decision, JsonValue, Policy, Subject } from "@handlebar/protocol";
import { createScriptedControlPlane, type ScriptedControlPlane } from "../scripted-control-plane.ts";
import { createSimRuntime, type SimRuntime } from "../sim-runtime.ts";
import { namesIn, stepsOf, TTL_MAX_MS } from "./client-case.fixture.ts";
import type { ConformanceCase, ConformanceWorld } from "./conformance-case.ts";
import type { Answered, Asked } from "./conformance-world.ts";

/** Monday, 5 January 2026, 12:00 UTC. */
const NOW_MS = 1_767_614_400_000;
const API = "https://api.test";

/** The world of a case around a client of the SDK, in fake time. Open it with `open`, and close it. */
export class ClientWorld {
  readonly #source: ConformanceCase;
  readonly #sink: Sink | undefined;
  readonly #sim: SimRuntime;
  readonly #plane: ScriptedControlPlane | undefined;
  readonly #client: HandlebarClient;
  readonly #calls = new Map<string, NonNullable<Asked["call"]>>();
  readonly #waiting: (() => void)[] = [];
  readonly #prompt: string | undefined;
  #given: ConformanceWorld;
  #runCount = 0;
  #run: Run;

  private constructor(source: ConformanceCase, policies: readonly Policy[], sink: Sink | undefined) {
    this.#source = source;
    this.#sink = sink;
    this.#given = source.given;
    const { startedAtMs, nowMs = NOW_MS } = { ...source.given.run, ...source.given };
    this.#sim = createSimRuntime(source.id, { startMs: startedAtMs ?? nowMs, latencyMs: 0 });
    if (source.given.lockdowns !== undefined || stepsOf(source.steps, "change").some((step) => step.given.lockdowns)) {
      this.#plane = createScriptedControlPlane(this.#sim.runtime);
      this.#sim.network.serve(API, this.#plane.handler);
    }
    this.#client = this.#init(policies);
    const prompts = stepsOf(source.steps, "prompt").map((step) => step.text);
    this.#prompt = prompts.length === 0 ? undefined : prompts.join("\n");
    this.#run = this.#client.startRun();
  }

  /**
   * @param sink gets what the client records, in full.
   * @throws HandlebarError as `Handlebar.init` does.
   */
  static async open(source: ConformanceCase, policies: readonly Policy[], sink?: Sink): Promise<ClientWorld> {
    const world = new ClientWorld(source, policies, sink);
    const { startedAtMs, nowMs = NOW_MS } = { ...source.given.run, ...source.given };
    world.startRun(source.given.run);
    await world.#sim.clock.runUntil(world.#client.ready());
    world.#lockDown([], source.given.lockdowns ?? []);
    await world.#sim.clock.settle();
    if (startedAtMs !== undefined) await world.advance(nowMs - startedAtMs);
    return world;
  }

  close(): Promise<void> {
    return this.#sim.clock.runUntil(this.#client.shutdown());
  }

  startRun(run: ConformanceWorld["run"]): void {
    const runId = run?.runId ?? `run-${++this.#runCount}`;
    const { sessionId, tags, context } = run ?? {};
    this.#run = this.#client.startRun({ runId, sessionId, tags, context, prompt: this.#prompt });
    if (run?.status === "ended") void this.#run.end();
  }

  async change(given: Partial<ConformanceWorld>): Promise<void> {
    const before = this.#given;
    this.#given = { ...this.#given, ...given };
    this.#lockDown(before.lockdowns ?? [], this.#given.lockdowns ?? []);
    for (const answer of this.#waiting.splice(0)) answer();
    await this.#sim.clock.settle();
  }

  advance(ms: number): Promise<void> {
    return this.#sim.clock.advance(ms);
  }

  callOf(callId: string): NonNullable<Asked["call"]> | undefined {
    return this.#calls.get(callId);
  }

  async decide(asked: Asked): Promise<Answered> {
    const { decision, payload } = await this.#sim.clock.runUntil(this.#ask(asked));
    return {
      decision: this.#withApprovalId(decision),
      payload: decision.verdict === "BLOCK" ? undefined : payload,
      labels: [...labelsOf(this.#run.memory)].sort(),
    };
  }

  async #ask({ phase, call, llm, metrics = {} }: Asked): Promise<{ decision: Decision; payload: unknown }> {
    const run = this.#run;
    const [tool, exchange] = [call ?? { callId: "", tool: { name: "" } }, llm ?? { callId: "" }];
    const { callId, args = {} } = tool;
    const proposed = { callId, name: tool.tool.name, tags: tool.tool.tags, kind: tool.tool.kind, args };
    const { approval } = this.#given;
    if (phase === "tool.before") {
      this.#calls.set(callId, tool);
      const isAnswered = approval !== undefined && approval.status !== "pending";
      const decision = await run.beforeTool({ ...proposed, approvalWaitMs: isAnswered ? 1 : 0 });
      return { decision, payload: decision.args };
    }
    if (phase === "tool.after") {
      const { result, error } = tool;
      const durationMs = tool.durationMs ?? metrics.duration_ms;
      const decision = await run.afterTool(proposed, { result, error: error && errorOf(error), durationMs, metrics });
      return { decision, payload: decision.result };
    }
    const { model, messages = [], response } = exchange;
    if (phase === "llm.before") {
      const decision = await run.beforeLlm({ callId: exchange.callId, model, messages });
      return { decision, payload: decision.messages };
    }
    const usage = {
      inputTokens: metrics.llm_tokens_in,
      outputTokens: metrics.llm_tokens_out,
      costUsd: metrics.llm_cost_usd,
    };
    const durationMs = metrics.duration_ms;
    const decision = await run.afterLlm({ callId: exchange.callId, model, response, usage, durationMs });
    return { decision, payload: decision.response };
  }

  /** A client makes the ids of its approvals; where the case has none, asking for one is all that there is. */
  #withApprovalId(decision: Decision): Decision {
    const { cause } = decision;
    if (!("approvalId" in cause) || cause.approvalId === undefined) return decision;
    const { approvalId: _, ...rest } = cause;
    const { approval } = this.#given;
    const given = { ...rest, ...(approval === undefined ? {} : { approvalId: approval.approvalId }) };
    // The same kind of cause, with the id that the case gives.
    return { ...decision, cause: given as Decision["cause"] };
  }

  #init(policies: readonly Policy[]): HandlebarClient {
    const { agent, actor } = this.#source.given;
    const { signals, customs } = this.#functions();
    const hasSubjects = [this.#source.given, ...stepsOf(this.#source.steps, "change").map((step) => step.given)].some(
      ({ subjects }) => subjects !== undefined,
    );
    return Handlebar.init({
      agent,
      actor,
      policies,
      ...this.#source.options,
      ...(this.#plane === undefined ? {} : { apiKey: "hb_key", endpoint: API }),
      sinks: this.#sink === undefined ? [] : [this.#sink],
      capture: { messages: "full", args: "full", results: "full" },
      signals,
      customConditions: customs,
      ...(hasSubjects ? { subjects: () => this.#subjects() } : {}),
      onApproval: () => this.#answer(),
      runTtlMs: TTL_MAX_MS,
      idleTtlMs: TTL_MAX_MS,
      staleAfterMs: TTL_MAX_MS,
      runtime: this.#sim.runtime,
    });
  }

  #functions(): {
    signals: Record<string, () => JsonValue | undefined>;
    customs: Record<string, () => boolean>;
  } {
    const { policies } = this.#source;
    const signals = namesIn(policies, "signal").map((name) => [name, () => known(this.#given.signals, name)] as const);
    const customs = namesIn(policies, "custom").map((name) => {
      const answer = (): boolean => {
        const value = known(this.#given.customs, name);
        if (typeof value !== "boolean") throw new FunctionFailed();
        return value;
      };
      return [name, answer] as const;
    });
    return { signals: Object.fromEntries(signals), customs: Object.fromEntries(customs) };
  }

  #subjects(): readonly Subject[] {
    const { subjects = [] } = this.#given;
    if (!Array.isArray(subjects)) throw new FunctionFailed();
    return subjects;
  }

  async #answer(): Promise<ApprovalAnswer> {
    for (;;) {
      const { approval } = this.#given;
      if (approval !== undefined && approval.status !== "pending") {
        const { status, by, instead } = approval;
        const who = by === undefined ? {} : { by };
        return instead === undefined ? { status, ...who } : { status: "approved", args: instead, ...who };
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #lockDown(before: NonNullable<ConformanceWorld["lockdowns"]>, now: NonNullable<ConformanceWorld["lockdowns"]>): void {
    for (const { lockdownId } of before) this.#plane?.liftLockdown(lockdownId);
    for (const lockdown of now) this.#plane?.addLockdown(lockdown);
  }
}

class FunctionFailed extends Error {}

function known(
  values: Readonly<Record<string, JsonValue | { unknown: true }>> | undefined,
  name: string,
): JsonValue | undefined {
  if (values === undefined || !Object.hasOwn(values, name)) return undefined;
  const value = values[name];
  if (typeof value === "object" && value !== null && "unknown" in value && value["unknown"] === true) {
    throw new FunctionFailed();
  }
  return value;
}

function errorOf({ name, message }: { readonly name?: string | undefined; readonly message: string }): unknown {
  if (name === undefined) return message;
  return Object.assign(new Error(message), { name });
}
