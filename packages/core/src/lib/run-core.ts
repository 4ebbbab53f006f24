import {
  type AgentFacts,
  canChange,
  createRunState,
  type Facts,
  inheritRunState,
  isFaithful,
  joinRunState,
  notePrompt,
  type RunFacts,
  type RunState,
  restoreRunState,
  seedLabels,
  toPlain,
} from "@handlebar/engine";
import type { Actor, Decision, EventData, JsonValue, Model, Phase, RunStatus } from "@handlebar/protocol";
import { CallTimes } from "./call-times.ts";
import { capture, mergeRedactions } from "./capture.ts";
import type { CallView } from "./config.ts";
import { errorText } from "./error-text.ts";
import { createEventWriter, type EventContent, type EventWriter } from "./event-writer.ts";
import { onFailure } from "./failure-table.ts";
import { sha256Hex } from "./fingerprint.ts";
import { Lifecycle } from "./lifecycle.ts";
import { LIMITS } from "./limits.ts";
import { MessageLog } from "./message-log.ts";
import type { RunConfig } from "./run-config.ts";
import type { Services } from "./services.ts";
import type { Asking } from "./user-functions.ts";
import { SDK } from "./version.ts";

/** What the hooks of one run share: its identity, its memory, its events and where it stands. */
export class RunCore<TContext extends object> {
  readonly services: Services<TContext>;
  readonly runId: string;
  readonly sessionId: string | undefined;
  readonly actor: Actor | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly context: TContext;
  readonly model: Model | undefined;
  readonly startedAtMs: number;
  readonly state: RunState;
  readonly writer: EventWriter;
  readonly lifecycle: Lifecycle;
  readonly messages: MessageLog = new MessageLog();
  readonly callTimes: CallTimes;
  /** The run's prompt, until a control plane that decides was told of it. */
  untoldPrompt: string | undefined;
  readonly #agent: AgentFacts;
  readonly #decisions: Decision[] = [];
  readonly #parent: RunState | undefined;
  #step: number;
  #runFacts: RunFacts;
  #seenLockdowns: Set<string> | undefined;
  #toldApprovals: Set<string> | undefined;

  constructor(services: Services<TContext>, config: RunConfig<TContext>, runId: string) {
    const { runtime } = services;
    this.services = services;
    this.#agent = { slug: services.config.agent.slug, tags: services.config.agent.tags ?? [] };
    this.runId = runId;
    this.sessionId = config.sessionId;
    this.actor = config.actor ?? services.config.actor;
    this.tags = config.tags ?? {};
    // The client's part and the run's part make up the whole; the type of `startRun` asks for what is missing.
    this.context = { ...services.config.context, ...config.context } as TContext;
    this.model = config.model;
    this.startedAtMs = config.snapshot?.startedAtMs ?? runtime.clock.nowMs();
    this.#parent = config.parent === undefined ? undefined : services.stateOf(config.parent.runId);
    this.state = openState(config, this.#parent);
    this.#step = config.snapshot?.nextStep ?? 0;
    this.callTimes = new CallTimes(runtime.clock);
    this.writer = createEventWriter(
      runtime,
      {
        agentId: services.config.agent.slug,
        runId,
        sessionId: this.sessionId,
        actorExternalId: this.actor?.externalId,
      },
      { emit: services.emit, firstSeq: config.snapshot?.nextSeq },
    );
    this.lifecycle = new Lifecycle(runtime, {
      runTtlMs: config.runTtlMs ?? services.config.runTtlMs,
      idleTtlMs: config.idleTtlMs ?? services.config.idleTtlMs,
      onExpired: () => this.end("timeout"),
    });
    this.#runFacts = {
      runId,
      sessionId: this.sessionId,
      startedAtMs: this.startedAtMs,
      status: this.lifecycle.forFacts,
      tags: this.tags,
      context: toPlain(this.context).value,
      state: this.state,
    };
    seedLabels(this.state.flow, services.sessions.read(this.sessionId));
    this.untoldPrompt = config.prompt;
    if (config.prompt !== undefined) notePrompt(services.state.set, this.state, config.prompt);
    this.writer.write("run.started", () => this.#started(config));
    services.link?.runStarted(runId, {
      ...(this.sessionId === undefined ? {} : { sessionId: this.sessionId }),
      ...(this.actor === undefined ? {} : { actor: this.actor }),
      ...(this.model === undefined ? {} : { model: this.model }),
      ...(Object.keys(this.tags).length === 0 ? {} : { tags: { ...this.tags } }),
    });
  }

  /** Bounded, oldest first. */
  get decisions(): readonly Decision[] {
    return this.#decisions;
  }

  get nextStep(): number {
    return this.#step;
  }

  takeStep(): number {
    return this.#step++;
  }

  /** The facts of one call, with those that all calls of the run share as they are now. */
  facts(phase: Phase, about: CallAbout = NOTHING): Facts {
    const { config, runtime, state, shared } = this.services;
    return {
      phase,
      nowMs: runtime.clock.nowMs(),
      agent: this.#agent,
      actor: this.actor,
      run: this.#runFactsNow(),
      call: about.call,
      llm: about.llm,
      metrics: about.metrics,
      subjects: about.subjects,
      signals: about.signals,
      customs: about.customs,
      shared,
      lockdowns: state.lockdowns,
      approval: about.approval,
      failClosed: config.failClosed,
      enforceMode: config.enforceMode === "shadow" ? "shadow" : "enforce",
    };
  }

  #runFactsNow(): RunFacts {
    const status = this.lifecycle.forFacts;
    if (this.#runFacts.status !== status) this.#runFacts = { ...this.#runFacts, status };
    return this.#runFacts;
  }

  /** Lockdowns that were recorded for this run. */
  get seenLockdowns(): Set<string> {
    this.#seenLockdowns ??= new Set();
    return this.#seenLockdowns;
  }

  /** Approvals that the control plane made and that were recorded for this run. */
  get toldApprovals(): Set<string> {
    this.#toldApprovals ??= new Set();
    return this.#toldApprovals;
  }

  /** Somebody beside the policies is told what calls measured. */
  get tellsMetrics(): boolean {
    const { config, emit, link } = this.services;
    return emit !== undefined || (config.evaluation === "remote" && link !== undefined);
  }

  /** What asking the user's functions needs. */
  get asking(): Asking<TContext> {
    const { config, runtime } = this.services;
    return {
      config,
      runtime,
      report: (name, error) => this.report(onFailure("user-function-failed", false).code, name, error),
    };
  }

  /** Digests of what is redacted are keyed by the run: equal values of one run stay equal, and nothing can be looked up across runs. */
  get hash(): (text: string) => string {
    return (text) => sha256Hex(`${this.runId}\n${text}`);
  }

  /** Whether policy may change what a model is sent or answers. */
  canChange(phase: Phase): boolean {
    const { config, state, link } = this.services;
    if (config.enforceMode !== "enforce") return false;
    if (config.evaluation === "remote" && link !== undefined) return true;
    return canChange(state.set, this.#agent, phase);
  }

  /** What the user's own functions see. */
  view(phase: Phase, call: Pick<CallView, "tool" | "args" | "result">): CallView<TContext> {
    return { phase, runId: this.runId, actor: this.actor, context: this.context, ...call };
  }

  /** Keeps a decision in the log and does what it says about the run. */
  conclude(decision: Decision): void {
    this.#decisions.push(decision);
    if (this.#decisions.length > LIMITS.decisionLogCountMax) this.#decisions.shift();
    if (decision.control !== "TERMINATE") return;
    const { cause } = decision;
    const by = cause.kind === "LOCKDOWN" ? `lockdown ${cause.lockdownId}` : (decision.finalRuleId ?? cause.kind);
    this.lifecycle.terminate(by);
  }

  /** Tells of something that went wrong in Handlebar or the user's functions, without touching the agent. */
  report(code: EventData<"error">["code"], scope: string, error: unknown): void {
    const message = errorText(error);
    this.services.logger.debug(`${code}: ${scope}: ${message}`);
    this.writer.write("error", () => ({ data: { code, scope, message } }));
  }

  /** The run that started this one gets its labels: what this one read can be in what it hands back. */
  shareLabels(): void {
    if (this.#parent !== undefined) joinRunState(this.#parent, this.state);
  }

  end(status: RunStatus): boolean {
    if (!this.lifecycle.end(status)) return false;
    const { terminatedBy } = this.lifecycle;
    this.shareLabels();
    this.writer.write("run.ended", () => ({
      data: {
        status: this.lifecycle.status ?? status,
        steps: this.#step,
        ...(terminatedBy === undefined ? {} : { terminatedBy }),
      },
    }));
    this.services.link?.runEnded(this.runId, { status: this.lifecycle.status ?? status });
    this.services.runEnded(this.runId);
    return true;
  }

  #started(config: RunConfig<TContext>): EventContent<"run.started"> {
    const { agent, enforceMode, capture: levels } = this.services.config;
    const context = Object.keys(this.context).length === 0 ? undefined : capture("context", this.context, levels.args);
    const prompt = capture("prompt", config.prompt, levels.messages);
    const data: EventData<"run.started"> = {
      agent,
      enforceMode,
      sdk: SDK,
      ...(this.actor === undefined ? {} : { actor: this.actor }),
      ...(this.model === undefined ? {} : { model: this.model }),
      ...(Object.keys(this.tags).length === 0 ? {} : { tags: { ...this.tags } }),
      ...(context?.value === undefined ? {} : { context: context.value }),
      ...(typeof prompt.value === "string" ? { prompt: prompt.value } : {}),
      ...(config.adapter === undefined ? {} : { adapter: config.adapter }),
      ...(config.snapshot === undefined ? {} : { resumed: true }),
    };
    return { data, redaction: mergeRedactions(context === undefined ? [prompt] : [context, prompt]) };
  }
}

function openState(config: Pick<RunConfig, "snapshot">, parent: RunState | undefined): RunState {
  if (config.snapshot !== undefined) return restoreRunState(config.snapshot.state);
  return parent === undefined ? createRunState() : inheritRunState(createRunState(), parent);
}

/** What one call adds to the facts. */
type CallAbout = Partial<Pick<Facts, "call" | "llm" | "metrics" | "subjects" | "signals" | "customs" | "approval">>;

const NOTHING: CallAbout = {};

/** A payload's JSON form for facts. */
export interface PlainPayload {
  readonly value: JsonValue;
  readonly exceeded: boolean;
  /** Nothing was changed or left out, so that two different payloads cannot look alike. */
  readonly isFaithful: boolean;
}

export function plainOf(value: unknown): PlainPayload {
  const { value: plain, notes } = toPlain(value);
  return { value: plain, exceeded: notes.exceeded, isFaithful: isFaithful(notes) };
}
