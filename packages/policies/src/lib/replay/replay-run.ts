import {
  type ApprovalFact,
  type CallFacts,
  createRunState,
  decide,
  type Facts,
  type LocalWindows,
  needs,
  noteCall,
  notePrompt,
  noteResult,
  type PolicySet,
  promptTextOf,
  reservationIdOf,
  type SessionLabels,
  type SharedNeed,
  type SharedReading,
  seedLabels,
  sharedAdds,
  UNKNOWN,
} from "@handlebar/engine";
import type { Decision, Message } from "@handlebar/protocol";
import { REPLAY_LIMITS } from "./limits.ts";
import { RecordedMessages } from "./recorded-messages.ts";
import type {
  RecordedAnswer,
  TrafficCall,
  TrafficModelCall,
  TrafficModelResult,
  TrafficResult,
  TrafficStart,
} from "./traffic.ts";

export interface ReplaySettings {
  readonly set: PolicySet;
  /** Windows beyond a run: those of all the runs replayed. */
  readonly windows: LocalWindows;
  readonly sessions: SessionLabels;
  readonly failClosed: boolean;
  /** Tags that tools have beside those recorded. */
  readonly tagsOf: (tool: string) => readonly string[];
  readonly agent: { readonly slug: string; readonly tags: readonly string[] };
  /** Told what the rules that were asked need and no record has, such as `signal risk`. */
  readonly onMissing: (what: string) => void;
}

/** Between calls whose rows carry no time: a second each, so that windows move. */
const STEP_MS = 1_000;

/** A decision, and what it was about. */
export interface Decided {
  readonly decision: Decision;
  readonly facts: Facts;
}

type About = Pick<Facts, "call" | "llm" | "metrics" | "approval">;

/** One recorded run, decided again. What ran then counts as having run, whatever the candidate says of it. */
export class ReplayRun {
  readonly #settings: ReplaySettings;
  readonly #state = createRunState();
  readonly #calls = new Map<string, CallFacts>();
  readonly #messages = new RecordedMessages();
  #start: TrafficStart;
  #lastPrompt: string | undefined;
  #startedAtMs: number;
  #nowMs: number;
  #hasCalled = false;

  constructor(settings: ReplaySettings, start: TrafficStart) {
    this.#settings = settings;
    this.#start = start;
    this.#startedAtMs = start.atMs ?? 0;
    this.#nowMs = this.#startedAtMs;
    this.#seed();
  }

  /** The run's own start says more of it than a row of it did. */
  begin(start: TrafficStart): void {
    if (start.isImplied || !this.#start.isImplied) return;
    this.#start = start;
    this.#seed();
  }

  prompt(text: string): void {
    // Rows repeat the prompt of their run.
    if (text === this.#lastPrompt) return;
    this.#lastPrompt = text;
    notePrompt(this.#settings.set, this.#state, text);
  }

  message(message: Message): void {
    const text = promptTextOf(message);
    if (text !== undefined) this.prompt(text);
    this.#messages.add(message);
  }

  call(step: TrafficCall): Decided {
    this.#move(step.atMs ?? (this.#hasCalled ? this.#nowMs + STEP_MS : undefined));
    this.#hasCalled = true;
    const call = this.#callFacts(step);
    const approval = approvalOf(step.recorded);
    const facts = this.#facts("tool.before", { call, ...(approval === undefined ? {} : { approval }) }, step.subjects);
    const decided = { decision: decide(this.#settings.set, facts), facts };
    if (step.recorded?.verdict === "BLOCK") return decided;
    this.#letThrough(facts);
    this.#calls.set(step.callId, call);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > REPLAY_LIMITS.openCallCountMax && oldest !== undefined) this.#calls.delete(oldest);
    return decided;
  }

  result(step: TrafficResult): Decided {
    this.#move(step.atMs);
    // The call of a result may be missing in the record: its arguments are then not known.
    const call = this.#calls.get(step.callId) ?? this.#callFacts({ ...step, args: {}, isExceeded: true });
    this.#calls.delete(step.callId);
    const { result, error, metrics, isExceeded: resultExceeded } = step;
    const durationMs = metrics?.["duration_ms"];
    return this.#after(
      this.#facts("tool.after", {
        call: { ...call, result, resultExceeded, error, durationMs },
        metrics,
      }),
    );
  }

  llm(step: TrafficModelCall): Decided {
    this.#move(step.atMs);
    const { callId, model } = step;
    const facts = this.#facts("llm.before", { llm: { callId, model, messages: this.#messages.all } });
    const decided = { decision: decide(this.#settings.set, facts), facts };
    if (step.recorded?.verdict !== "BLOCK") this.#letThrough(facts);
    return decided;
  }

  /** @param response the message that followed in the record, where one did. */
  llmResult(step: TrafficModelResult, response: Message | undefined): Decided {
    this.#move(step.atMs);
    const { callId, model, metrics } = step;
    return this.#after(this.#facts("llm.after", { llm: { callId, model, response }, metrics }));
  }

  #letThrough(facts: Facts): void {
    noteCall(this.#settings.set, facts, { verdict: "ALLOW" });
    this.#apply(facts);
  }

  #after(facts: Facts): Decided {
    const { set, sessions } = this.#settings;
    noteResult(set, facts);
    sessions.keep(this.#start.sessionId, set, { agent: facts.agent, state: facts.run.state });
    this.#apply(facts);
    return { decision: decide(set, facts), facts };
  }

  #apply(facts: Facts): void {
    const { set, windows } = this.#settings;
    const id = reservationIdOf(facts);
    for (const add of sharedAdds(set, facts)) windows.apply(add, id, this.#nowMs);
  }

  #move(atMs: number | undefined): void {
    if (atMs !== undefined) this.#nowMs = atMs;
  }

  #seed(): void {
    seedLabels(this.#state.flow, this.#settings.sessions.read(this.#start.sessionId));
  }

  #callFacts(step: Pick<TrafficCall, "callId" | "tool" | "toolKind" | "tags" | "args" | "isExceeded">): CallFacts {
    const { callId, args, isExceeded: argsExceeded } = step;
    const tags = [...new Set([...step.tags, ...this.#settings.tagsOf(step.tool)])];
    return { callId, tool: { name: step.tool, tags, kind: step.toolKind }, args, argsExceeded };
  }

  #facts(phase: Facts["phase"], about: About, subjects?: TrafficCall["subjects"]): Facts {
    const { agent, failClosed } = this.#settings;
    const { agent: own, actor, runId, sessionId, tags, context } = this.#start;
    const nowMs = this.#nowMs;
    const facts: Facts = {
      phase,
      nowMs,
      agent: { slug: own?.slug ?? agent.slug, tags: own?.tags ?? agent.tags },
      actor,
      run: {
        runId,
        sessionId,
        startedAtMs: this.#startedAtMs,
        status: "open",
        tags: tags ?? {},
        context: context ?? {},
        state: this.#state,
      },
      ...about,
      shared: { read: (need) => this.#readWindow(need) },
      failClosed,
      enforceMode: "enforce",
    };
    return { ...facts, ...this.#hostFacts(facts, subjects) };
  }

  #readWindow(need: SharedNeed): SharedReading | undefined {
    const reading = this.#settings.windows.read(need, this.#nowMs);
    if (reading === undefined) this.#settings.onMissing(`windows beyond ${REPLAY_LIMITS.windowCountMax} at once`);
    return reading;
  }

  /** What the host's functions said. Records have the subjects of a call, no signal and no custom condition. */
  #hostFacts(facts: Facts, subjects: TrafficCall["subjects"]): Pick<Facts, "subjects" | "signals" | "customs"> {
    const { set, onMissing } = this.#settings;
    const asked = needs(set, facts);
    if (asked.subjects && subjects === undefined) onMissing("subjects");
    for (const name of asked.signals) onMissing(`signal ${name}`);
    for (const { name } of asked.customs) onMissing(`custom condition ${name}`);
    return {
      subjects: subjects ?? UNKNOWN,
      signals: new Map(asked.signals.map((name) => [name, UNKNOWN])),
      customs: new Map(asked.customs.map(({ key }) => [key, UNKNOWN])),
    };
  }
}

/** A person's answer was to exactly this call, so it answers the candidate too. */
function approvalOf(recorded: RecordedAnswer | undefined): ApprovalFact | undefined {
  const cause = recorded?.cause;
  if (cause?.kind !== "HITL_APPROVED" && cause?.kind !== "HITL_DENIED") return undefined;
  const { approvalId, by } = cause;
  return cause.kind === "HITL_APPROVED"
    ? { approvalId, status: "approved", by }
    : { approvalId, status: "denied", by, instead: cause.instead };
}
