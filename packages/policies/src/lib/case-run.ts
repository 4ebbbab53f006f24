import {
  type AgentFacts,
  createRunState,
  decide,
  type Facts,
  LocalWindows,
  labelsOf,
  needs,
  noteCall,
  notePrompt,
  noteResult,
  type PolicySet,
  promptTextOf,
  reservationIdOf,
  SessionLabels,
  seedLabels,
  sharedAdds,
  type ToolFacts,
  UNKNOWN,
  type Unknown,
} from "@handlebar/engine";
import type {
  Actor,
  CallStep,
  CaseSettings,
  Decision,
  JsonObject,
  JsonValue,
  LlmStep,
  Phase,
  RunStep,
  Subject,
} from "@handlebar/protocol";
import { effectiveTags } from "@handlebar/protocol";
import { type CasePayload, payloadAfter } from "./case-payload.ts";
import { parseDuration } from "./duration.ts";

/** Monday, 5 January 2026, 12:00 UTC. */
const DEFAULT_NOW_MS = Date.UTC(2026, 0, 5, 12);

type HostStep = Pick<CallStep, "subjects" | "signals" | "customs" | "unavailable">;

/** A decision of a step, and what it led to. */
export interface StepDecision {
  readonly phase: Phase;
  readonly decision: Decision;
  /** What goes on after redaction. */
  readonly payload: CasePayload;
  /** Labels of the run from then on. */
  readonly labels: readonly string[];
}

/** The world of one case: a clock, an agent, its runs one after another, and windows beyond them. */
export class CaseRun {
  readonly #set: PolicySet;
  readonly #settings: CaseSettings;
  readonly #shared = new LocalWindows();
  /** Labels by session, for policies whose flow keeps them. */
  readonly #sessions = new SessionLabels();
  readonly #agent: AgentFacts;
  #nowMs: number;
  #run: Facts["run"];
  #actor: Actor | undefined;
  #runCount = 0;
  #callCount = 0;

  constructor(set: PolicySet, settings: CaseSettings) {
    this.#set = set;
    this.#settings = settings;
    const { agent } = settings;
    this.#agent =
      typeof agent === "object" ? { slug: agent.slug, tags: agent.tags ?? [] } : { slug: agent ?? "agent", tags: [] };
    this.#nowMs = settings.now === undefined ? DEFAULT_NOW_MS : Date.parse(settings.now);
    this.#run = this.#newRun(settings);
    this.#actor = settings.actor;
    if (settings.prompt !== undefined) this.prompt(settings.prompt);
  }

  advance(duration: string): void {
    this.#nowMs += parseDuration(duration) ?? 0;
  }

  prompt(text: string): void {
    notePrompt(this.#set, this.#run.state, text);
  }

  startRun(settings: RunStep["run"]): void {
    const whole = { ...this.#settings, ...settings };
    this.#run = this.#newRun(whole);
    this.#actor = whole.actor;
    if (whole.prompt !== undefined) this.prompt(whole.prompt);
  }

  /** The decision on a tool call and, when it was let through, on what it returned. */
  callTool(step: CallStep): readonly StepDecision[] {
    const call = { callId: this.#nextCallId(), tool: this.#tool(step.call), args: step.args ?? {} };
    const before = this.#decide("tool.before", step, { call, ...approvalOf(step) });
    if (before.decision.verdict === "BLOCK") return [before];
    const durationMs = this.#take(step);
    const end = step.error === undefined ? { result: step.result ?? null } : { error: { message: step.error } };
    const metrics = { duration_ms: durationMs, ...step.metrics };
    return [before, this.#decide("tool.after", step, { call: { ...call, ...end, durationMs }, metrics })];
  }

  /** The decision on a model call and, when it was let through, on its response. */
  callModel(step: LlmStep): readonly StepDecision[] {
    const { messages, response, model } = step.llm;
    for (const message of messages ?? []) {
      const text = promptTextOf(message);
      if (text !== undefined) this.prompt(text);
    }
    const llm = { callId: this.#nextCallId(), model };
    const before = this.#decide("llm.before", step, { llm: { ...llm, messages: messages ?? [] } });
    if (before.decision.verdict === "BLOCK") return [before];
    const metrics = { duration_ms: this.#take(step), ...step.metrics };
    return [before, this.#decide("llm.after", step, { llm: { ...llm, response }, metrics })];
  }

  #decide(phase: Phase, step: HostStep, about: Pick<Facts, "call" | "llm" | "metrics" | "approval">): StepDecision {
    const facts = this.#facts(phase, step, about);
    const isAfter = phase === "tool.after" || phase === "llm.after";
    if (isAfter) {
      noteResult(this.#set, facts);
      this.#sessions.keep(this.#run.sessionId, this.#set, { agent: this.#agent, state: this.#run.state });
    }
    if (isAfter) this.#applyShared(facts);
    const decision = decide(this.#set, facts);
    if (!isAfter) noteCall(this.#set, facts, decision);
    if (!isAfter && decision.verdict === "ALLOW") this.#applyShared(facts);
    if (decision.control === "TERMINATE") this.#run = { ...this.#run, status: "terminated" };
    return { phase, decision, payload: payloadAfter(facts, decision), labels: labelsOf(this.#run.state) };
  }

  #applyShared(facts: Facts): void {
    const id = reservationIdOf(facts);
    for (const add of sharedAdds(this.#set, facts)) this.#shared.apply(add, id, this.#nowMs);
  }

  #facts(phase: Phase, step: HostStep, about: Pick<Facts, "call" | "llm" | "metrics" | "approval">): Facts {
    const { enforceMode, failClosed, lockdowns } = this.#settings;
    const unavailable = step.unavailable ?? this.#settings.unavailable ?? false;
    const facts: Facts = {
      phase,
      nowMs: this.#nowMs,
      agent: this.#agent,
      actor: this.#actor,
      run: this.#run,
      ...about,
      lockdowns: lockdowns ?? [],
      failClosed: failClosed ?? false,
      enforceMode: enforceMode ?? "enforce",
      ...(unavailable ? {} : { shared: { read: (need) => this.#shared.read(need, this.#nowMs) } }),
    };
    return { ...facts, ...this.#hostFacts(facts, step) };
  }

  /** What the host's functions say, as far as the policies ask. */
  #hostFacts(facts: Facts, step: HostStep): Pick<Facts, "subjects" | "signals" | "customs"> {
    const asked = needs(this.#set, facts);
    const signals: JsonObject = { ...this.#settings.signals, ...step.signals };
    const customs = { ...this.#settings.customs, ...step.customs };
    return {
      subjects: subjectsOf(step.subjects ?? this.#settings.subjects),
      signals: new Map(asked.signals.map((name) => [name, signalOf(signals, name)])),
      customs: new Map(asked.customs.map(({ key, name }) => [key, customOf(customs, name)])),
    };
  }

  #tool(name: string): ToolFacts {
    const tools = this.#settings.tools ?? {};
    const spec = Object.hasOwn(tools, name) ? tools[name] : undefined;
    if (spec === undefined || Array.isArray(spec)) return { name, tags: spec ?? [] };
    return { name, tags: effectiveTags(spec), kind: spec.kind };
  }

  #newRun(settings: RunStep["run"]): Facts["run"] {
    this.#runCount += 1;
    const state = createRunState();
    seedLabels(state.flow, this.#sessions.read(settings.session));
    return {
      runId: `run-${this.#runCount}`,
      sessionId: settings.session,
      startedAtMs: this.#nowMs,
      status: "open",
      tags: settings.runTags ?? {},
      context: settings.context ?? {},
      state,
    };
  }

  #nextCallId(): string {
    this.#callCount += 1;
    return `call-${this.#callCount}`;
  }

  /** Lets a call take its time. */
  #take(step: { readonly took?: string | undefined }): number {
    const durationMs = step.took === undefined ? 0 : (parseDuration(step.took) ?? 0);
    this.#nowMs += durationMs;
    return durationMs;
  }
}

function approvalOf(step: CallStep): Pick<Facts, "approval"> {
  return step.approval === undefined ? {} : { approval: { approvalId: "approval-1", status: step.approval } };
}

function subjectsOf(given: readonly Subject[] | "unknown" | undefined): readonly Subject[] | Unknown {
  return given === "unknown" ? UNKNOWN : (given ?? []);
}

function signalOf(signals: JsonObject, name: string): JsonValue | Unknown | undefined {
  if (!Object.hasOwn(signals, name)) return UNKNOWN;
  return signals[name] ?? undefined;
}

function customOf(customs: Readonly<Record<string, boolean | "unknown">>, name: string): boolean | Unknown {
  const given = Object.hasOwn(customs, name) ? customs[name] : undefined;
  return given === undefined || given === "unknown" ? UNKNOWN : given;
}
