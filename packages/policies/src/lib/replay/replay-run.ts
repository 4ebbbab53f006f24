import {
  type CallFacts,
  createRunState,
  decide,
  type Facts,
  type LocalWindows,
  noteCall,
  notePrompt,
  noteResult,
  type PolicySet,
  sharedAdds,
  toPlain,
} from "@handlebar/engine";
import type { Decision } from "@handlebar/protocol";
import type { TrafficStep } from "./traffic.ts";

export interface ReplaySettings {
  readonly set: PolicySet;
  /** Windows beyond a run: those of all the runs replayed. */
  readonly windows: LocalWindows;
  readonly failClosed: boolean;
  /** Tags that tools have beside those recorded. */
  readonly tagsOf: (tool: string) => readonly string[];
  readonly agentTags: readonly string[];
  readonly agentSlug: string;
}

type Start = Extract<TrafficStep, { readonly kind: "start" }>;
type Call = Extract<TrafficStep, { readonly kind: "call" }>;
type Result = Extract<TrafficStep, { readonly kind: "result" }>;

/** Between rows that carry no time: a second each, so that windows move. */
const STEP_MS = 1_000;

/** One recorded run, decided again. What ran then counts as having run, whatever the candidate says of it. */
export class ReplayRun {
  readonly #settings: ReplaySettings;
  readonly #state = createRunState();
  readonly #calls = new Map<string, CallFacts>();
  #start: Start | undefined;
  #startedAtMs = 0;
  #nowMs = 0;

  constructor(settings: ReplaySettings) {
    this.#settings = settings;
  }

  /** Rows without a start of their own begin the run with the first one. */
  begin(start: Start): void {
    if (this.#start !== undefined) return;
    this.#start = start;
    this.#nowMs = start.atMs ?? 0;
    this.#startedAtMs = this.#nowMs;
  }

  prompt(text: string): void {
    notePrompt(this.#settings.set, this.#state, text);
  }

  call(step: Call): Decision {
    this.#move(step.atMs);
    const call = this.#callFacts(step);
    const facts: Facts = { ...this.#facts("tool.before"), call };
    const decision = decide(this.#settings.set, facts);
    if (step.verdict !== "BLOCK") {
      noteCall(this.#settings.set, facts, { verdict: "ALLOW" });
      this.#apply(facts, step.callId);
      this.#calls.set(step.callId, call);
    }
    return decision;
  }

  result(step: Result): Decision {
    this.#move(step.atMs);
    const call = this.#calls.get(step.callId) ?? this.#callFacts({ ...step, args: {} });
    this.#calls.delete(step.callId);
    const facts: Facts = {
      ...this.#facts("tool.after"),
      call: { ...call, result: step.result, error: step.error, durationMs: step.metrics?.["duration_ms"] },
      metrics: step.metrics,
    };
    return this.#after(facts, step.callId);
  }

  llm(step: Extract<TrafficStep, { readonly kind: "llm" }>): Decision {
    this.#move(step.atMs);
    const facts: Facts = { ...this.#facts("llm.before"), llm: { callId: step.callId, messages: step.messages } };
    const decision = decide(this.#settings.set, facts);
    if (step.verdict !== "BLOCK") {
      noteCall(this.#settings.set, facts, { verdict: "ALLOW" });
      this.#apply(facts, step.callId);
    }
    return decision;
  }

  llmResult(step: Extract<TrafficStep, { readonly kind: "llmResult" }>): Decision {
    this.#move(step.atMs);
    const facts: Facts = { ...this.#facts("llm.after"), llm: { callId: step.callId }, metrics: step.metrics };
    return this.#after(facts, step.callId);
  }

  #after(facts: Facts, callId: string): Decision {
    noteResult(this.#settings.set, facts);
    this.#apply(facts, callId);
    return decide(this.#settings.set, facts);
  }

  #apply(facts: Facts, callId: string): void {
    for (const add of sharedAdds(this.#settings.set, facts)) this.#settings.windows.apply(add, callId, this.#nowMs);
  }

  #move(atMs: number | undefined): void {
    this.#nowMs = atMs ?? this.#nowMs + STEP_MS;
  }

  #callFacts({ callId, tool, tags, args }: Pick<Call, "callId" | "tool" | "tags" | "args">): CallFacts {
    const all = [...new Set([...tags, ...this.#settings.tagsOf(tool)])];
    return { callId, tool: { name: tool, tags: all }, args: toPlain(args).value };
  }

  #facts(phase: Facts["phase"]): Facts {
    const start = this.#start;
    const nowMs = this.#nowMs;
    return {
      phase,
      nowMs,
      agent: {
        slug: start?.agent?.slug ?? this.#settings.agentSlug,
        tags: start?.agent?.tags ?? this.#settings.agentTags,
      },
      actor: start?.actor,
      run: {
        runId: start?.runId ?? "",
        sessionId: start?.sessionId,
        startedAtMs: this.#startedAtMs,
        status: "open",
        tags: start?.tags ?? {},
        context: start?.context ?? {},
        state: this.#state,
      },
      shared: { read: (need) => this.#settings.windows.read(need, nowMs) },
      failClosed: this.#settings.failClosed,
      enforceMode: "enforce",
    };
  }
}
