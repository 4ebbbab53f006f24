import { compile, LocalWindows, SessionLabels } from "@handlebar/engine";
import type { AuditEvent, Decision, Message, Phase, Policy, Tool } from "@handlebar/protocol";
import { effectiveTags } from "@handlebar/protocol";
import { REPLAY_LIMITS } from "./limits.ts";
import { readStoredEvent } from "./read-event.ts";
import { readTrafficRow } from "./read-row.ts";
import { ReplayCounts } from "./replay-counts.ts";
import { type Decided, ReplayRun, type ReplaySettings } from "./replay-run.ts";
import type { ReplayReport } from "./report.ts";
import type { TrafficCall, TrafficLoss, TrafficModelResult, TrafficStart, TrafficStep } from "./traffic.ts";

export interface ReplayOptions {
  /** Tags and classification of tools, beside the tags recorded with the calls. */
  readonly tools?: readonly Tool[] | undefined;
  /** The agent of rows that name none. Default `agent`, without tags. */
  readonly agent?: { readonly slug: string; readonly tags?: readonly string[] | undefined } | undefined;
  /** Decides as a client with `failClosed` does. Default false. */
  readonly failClosed?: boolean | undefined;
  /** Told of every tool call that was decided again, in the order of the record. */
  readonly onDecision?: ((call: TrafficCall, decision: Decision) => void) | undefined;
  /** Told of every decision, also those of results and of model calls, in the order in which they are made. */
  readonly onDecided?: ((decided: ReplayDecision) => void) | undefined;
}

/** One decision of a replay. */
export interface ReplayDecision {
  readonly phase: Phase;
  readonly runId: string;
  readonly callId: string;
  readonly decision: Decision;
}

/** Whether a row was taken in, or why it cannot be read. */
export type FeedResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A candidate policy at work on recorded traffic. */
export interface Replay {
  /** Takes in the next row, in the order of the record. A row that cannot be read changes nothing but the counts. */
  feed(row: unknown): FeedResult;
  /**
   * Takes in an event that was checked against its schema when it was stored, which makes checking it again needless.
   * @param place `lead-in`: what came before the time that is asked about. It is remembered, and neither counted nor told of.
   */
  feedEvent(event: AuditEvent, place?: "lead-in"): void;
  /** What was found so far. */
  report(): ReplayReport;
}

/**
 * Decides recorded traffic again by a candidate, statefully: counters, sequences, windows and labels are what they were when
 * it was recorded, since what ran then counts as having run, and what a person approved then counts as approved. Calls no
 * tool. Time is that of the record; in rows without times a run begins at 0 and its calls are a second apart.
 *
 * Rules of shadow policies are counted by what they would do. Memory is bounded: of more than 2,000 runs open at
 * once those seen longest ago are forgotten, and counted.
 * @throws HandlebarError `HB_POLICY_…` where the candidate is wrong.
 */
export function createReplay(policies: readonly Policy[], options: ReplayOptions = {}): Replay {
  return new TrafficReplay(policies, options);
}

/** A run, and the model's answer that is waiting for its message. */
interface OpenRun {
  readonly run: ReplayRun;
  answer: TrafficModelResult | undefined;
  isCounted: boolean;
  isCut: boolean;
}

class TrafficReplay implements Replay {
  readonly #settings: ReplaySettings;
  readonly #options: ReplayOptions;
  readonly #runs = new Map<string, OpenRun>();
  /** What came late of them is another run to nobody. */
  readonly #ended = new Set<string>();
  readonly #counts: ReplayCounts;
  /** Takes what is not counted. */
  readonly #leadIn: ReplayCounts;
  #isLeadIn = false;

  constructor(policies: readonly Policy[], options: ReplayOptions) {
    const set = compile(policies);
    const tags = new Map((options.tools ?? []).map((tool) => [tool.name, effectiveTags(tool)]));
    const { slug = "agent", tags: agentTags = [] } = options.agent ?? {};
    this.#options = options;
    this.#counts = new ReplayCounts(set.policies);
    this.#leadIn = new ReplayCounts(set.policies);
    this.#settings = {
      set,
      windows: new LocalWindows({ keyCountMax: REPLAY_LIMITS.windowCountMax }),
      sessions: new SessionLabels(),
      failClosed: options.failClosed ?? false,
      tagsOf: (tool) => tags.get(tool) ?? [],
      agent: { slug, tags: agentTags },
      onMissing: (what) => this.#tally.missing(what),
    };
  }

  feed(row: unknown): FeedResult {
    const reading = readTrafficRow(row, this.#counts.row());
    if (!reading.ok) {
      this.#counts.passOver(reading.reason);
      return reading;
    }
    for (const step of reading.steps) this.#take(step);
    return { ok: true };
  }

  feedEvent(event: AuditEvent, place?: "lead-in"): void {
    this.#isLeadIn = place === "lead-in";
    this.#tally.row();
    for (const step of readStoredEvent(event)) this.#take(step);
    this.#isLeadIn = false;
  }

  report(): ReplayReport {
    for (const open of this.#runs.values()) this.#settle(open);
    return this.#counts.report();
  }

  get #tally(): ReplayCounts {
    return this.#isLeadIn ? this.#leadIn : this.#counts;
  }

  #take(step: TrafficStep): void {
    if (step.kind === "lost") this.#tally.lose(step.count);
    else this.#takeOf(step);
  }

  #takeOf(step: Exclude<TrafficStep, TrafficLoss>): void {
    const open = this.#runOf(step);
    const isAnswer = step.kind === "message" && step.message.role === "assistant";
    if (step.kind !== "start") this.#settle(open, isAnswer ? step.message : undefined);
    const { run } = open;
    switch (step.kind) {
      case "start":
        this.#begin(open, step);
        break;
      case "prompt":
        run.prompt(step.text);
        break;
      case "message":
        run.message(step.message);
        if (step.isIncomplete) this.#tally.incomplete();
        break;
      case "call":
        this.#takeCall(run, step);
        break;
      case "result":
        this.#tally.result(this.#tell(run.result(step), step), step);
        break;
      case "llm":
        this.#tally.modelCall(this.#tell(run.llm(step), step), step);
        break;
      case "llmResult":
        open.answer = step;
        break;
      case "end":
        this.#end(step.runId);
        break;
      default:
        step satisfies never;
    }
  }

  #begin(open: OpenRun, step: TrafficStart): void {
    open.run.begin(step);
    if (step.isImplied || !open.isCut) return;
    open.isCut = false;
    if (open.isCounted) this.#counts.cut(-1);
  }

  #takeCall(run: ReplayRun, step: TrafficCall): void {
    const decided = this.#tell(run.call(step), step);
    this.#tally.call(decided, step);
    if (!this.#isLeadIn) this.#options.onDecision?.(step, decided.decision);
  }

  #tell(decided: Decided, { runId, callId }: Pick<TrafficCall, "runId" | "callId">): Decided {
    const { decision, facts } = decided;
    if (!this.#isLeadIn) this.#options.onDecided?.({ phase: facts.phase, runId, callId, decision });
    return decided;
  }

  /** A model's answer is decided once it is known which message it was. */
  #settle(open: OpenRun, response?: Message): void {
    const { answer, run } = open;
    if (answer === undefined) return;
    open.answer = undefined;
    this.#tally.modelResult(this.#tell(run.llmResult(answer, response), answer), answer);
  }

  #runOf(step: TrafficStep): OpenRun {
    const { runId } = step;
    const open = this.#runs.get(runId) ?? this.#open(step);
    // The one seen longest ago stays first.
    this.#runs.delete(runId);
    this.#runs.set(runId, open);
    if (!open.isCounted && !this.#isLeadIn) this.#countRun(open);
    this.#forgetOldest();
    return open;
  }

  #open(step: TrafficStep): OpenRun {
    const { runId, atMs } = step;
    const start: TrafficStart = step.kind === "start" ? step : { kind: "start", isImplied: true, runId, atMs };
    const isKnown = this.#ended.has(runId);
    return {
      run: new ReplayRun(this.#settings, start),
      answer: undefined,
      isCounted: isKnown,
      isCut: !isKnown && start.isLate === true,
    };
  }

  #countRun(open: OpenRun): void {
    open.isCounted = true;
    this.#counts.run();
    if (open.isCut) this.#counts.cut(1);
  }

  #end(runId: string): void {
    this.#runs.delete(runId);
    this.#ended.add(runId);
    const [oldest] = this.#ended;
    if (this.#ended.size > REPLAY_LIMITS.endedRunCountMax && oldest !== undefined) this.#ended.delete(oldest);
  }

  #forgetOldest(): void {
    if (this.#runs.size <= REPLAY_LIMITS.runCountMax) return;
    for (const [runId, open] of this.#runs) {
      this.#settle(open);
      this.#runs.delete(runId);
      this.#tally.forget();
      return;
    }
  }
}
