import {
  type CallFacts,
  type Facts,
  LocalWindows,
  type Needs,
  type PolicySet,
  type RunState,
  reservationIdOf,
  type SharedReadings,
  UNKNOWN,
  type Unknown,
} from "@handlebar/engine";
import type { Decision, JsonValue, Message, Metrics, Phase } from "@handlebar/protocol";
import type { ConformanceCase, ConformanceStep, ConformanceWorld } from "./conformance-case.ts";
import type { ConformanceEngine } from "./conformance-engine.ts";

type DecideStep = Extract<ConformanceStep, { readonly do: "decide" }>;

/** What one `decide` step is about. */
export interface Asked {
  readonly phase: Phase;
  readonly call?: DecideStep["call"];
  readonly llm?: DecideStep["llm"];
  readonly metrics?: Metrics | undefined;
}

/** A decision with what went on and what the run knows after it. */
export interface Answered {
  readonly decision: Decision;
  readonly payload: unknown;
  readonly labels: readonly string[];
}

/** Monday, 5 January 2026, 12:00 UTC. */
const NOW_MS = 1_767_614_400_000;

/** The world of a case while its steps are done: a clock, a run, windows beyond the run. */
export class World {
  readonly #engine: ConformanceEngine;
  readonly #set: PolicySet;
  readonly #options: ConformanceCase["options"];
  readonly #windows = new LocalWindows();
  readonly #calls = new Map<string, NonNullable<Asked["call"]>>();
  #given: ConformanceWorld;
  #nowMs: number;
  #state: RunState;
  #startedAtMs = 0;
  #isTerminated = false;

  constructor(engine: ConformanceEngine, set: PolicySet, source: ConformanceCase) {
    this.#engine = engine;
    this.#set = set;
    this.#options = source.options;
    this.#given = source.given;
    this.#nowMs = source.given.nowMs ?? NOW_MS;
    this.#state = engine.createRunState();
    this.startRun(source.given.run);
  }

  startRun(run: ConformanceWorld["run"]): void {
    this.#given = { ...this.#given, run };
    this.#state = this.#engine.createRunState();
    this.#startedAtMs = run?.startedAtMs ?? this.#nowMs;
    this.#isTerminated = false;
    this.#engine.seedLabels(this.#state.flow, run?.labels ?? []);
  }

  change(given: Partial<ConformanceWorld>): void {
    this.#given = { ...this.#given, ...given };
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  prompt(text: string): void {
    this.#engine.notePrompt(this.#set, this.#state, text);
  }

  /** The call that was decided under an id, for its result. */
  callOf(callId: string): NonNullable<Asked["call"]> | undefined {
    return this.#calls.get(callId);
  }

  decide(asked: Asked): Answered {
    const engine = this.#engine;
    const set = this.#set;
    if (asked.phase === "tool.before" && asked.call !== undefined) this.#calls.set(asked.call.callId, asked.call);
    const bare = this.#factsOf(asked);
    const facts = { ...bare, ...this.#hostFacts(engine.needs(set, bare)) };
    const isAfter = asked.phase === "tool.after" || asked.phase === "llm.after";
    if (isAfter) {
      engine.noteResult(set, facts);
      this.#applyShared(facts);
    }
    const decision = engine.decide(set, facts);
    engine.noteCall(set, facts, decision);
    if (!isAfter && decision.verdict === "ALLOW") this.#applyShared(facts);
    if (decision.control === "TERMINATE") this.#isTerminated = true;
    return { decision, payload: this.#payload(facts, decision), labels: [...engine.labelsOf(this.#state)].sort() };
  }

  #applyShared(facts: Facts): void {
    const id = reservationIdOf(facts);
    for (const add of this.#engine.sharedAdds(this.#set, facts)) this.#windows.apply(add, id, this.#nowMs);
  }

  #factsOf({ phase, call, llm, metrics }: Asked): Facts {
    const { agent, actor, run, lockdowns, approval } = this.#given;
    return {
      phase,
      nowMs: this.#nowMs,
      agent: { slug: agent.slug, tags: agent.tags ?? [] },
      actor,
      run: {
        runId: run?.runId ?? "run-1",
        sessionId: run?.sessionId,
        startedAtMs: this.#startedAtMs,
        status: this.#isTerminated ? "terminated" : (run?.status ?? "open"),
        tags: run?.tags ?? {},
        context: run?.context ?? {},
        state: this.#state,
      },
      call: call === undefined ? undefined : callFacts(call),
      llm,
      metrics,
      shared: this.#shared(),
      lockdowns,
      approval,
      failClosed: this.#options?.failClosed ?? false,
      enforceMode: this.#options?.enforceMode ?? "enforce",
    };
  }

  /** What the host would have been asked for. */
  #hostFacts(needs: Needs): Pick<Facts, "subjects" | "signals" | "customs"> {
    const { subjects, signals = {}, customs = {} } = this.#given;
    const named = needs.signals.filter((name) => Object.hasOwn(signals, name));
    const answers = needs.customs.map(({ key, name }): [string, boolean | Unknown] => {
      const answer = Object.hasOwn(customs, name) ? customs[name] : undefined;
      return [key, typeof answer === "boolean" ? answer : UNKNOWN];
    });
    return {
      subjects: subjects === undefined || Array.isArray(subjects) ? subjects : UNKNOWN,
      signals: new Map(named.map((name) => [name, signalOf(signals[name])])),
      customs: new Map(answers),
    };
  }

  #shared(): SharedReadings | undefined {
    const { shared = "counted" } = this.#given;
    if (shared === "unavailable") return undefined;
    if (shared === "counted") return { read: (need) => this.#windows.read(need, this.#nowMs) };
    return {
      read: ({ key }) => {
        const found = shared.find(({ ruleId, index = 0 }) => ruleId === key.ruleId && index === key.index);
        if (found === undefined) return undefined;
        return { value: found.value, used: found.used, resetAtMs: found.resetAtMs };
      },
    };
  }

  /** What goes on after a decision that lets it through; `undefined` where nothing does. */
  #payload({ phase, call, llm }: Facts, decision: Decision): unknown {
    if (decision.verdict === "BLOCK") return undefined;
    const redactions = decision.redactions ?? [];
    const options = { hash: digest };
    const messages = (list: readonly Message[]) => this.#engine.redactMessages(list, redactions, options).value;
    switch (phase) {
      case "tool.before":
        return this.#engine.redactValue(call?.args, redactions, options).value;
      case "tool.after":
        return this.#engine.redactValue(call?.result, redactions, options).value;
      case "llm.before":
        return messages(llm?.messages ?? []);
      case "llm.after":
        return messages(llm?.response === undefined ? [] : [llm.response])[0];
    }
  }
}

function callFacts({ tool, args, ...rest }: NonNullable<Asked["call"]>): CallFacts {
  return { ...rest, tool: { ...tool, tags: tool.tags ?? [] }, args: args ?? {} };
}

function signalOf(value: JsonValue | undefined): JsonValue | Unknown | undefined {
  const isUnknown = typeof value === "object" && value !== null && "unknown" in value && value["unknown"] === true;
  return isUnknown ? UNKNOWN : value;
}

/** FNV-1a: equal for equal texts, which is all that a case can ask of a digest whose key is not known. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
