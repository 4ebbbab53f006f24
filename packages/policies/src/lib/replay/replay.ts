import { compile, LocalWindows, SessionLabels } from "@handlebar/engine";
import type { Decision, Message, Policy, Tool } from "@handlebar/protocol";
import { effectiveTags } from "@handlebar/protocol";
import { REPLAY_LIMITS } from "./limits.ts";
import { readTrafficRow } from "./read-row.ts";
import { ReplayCounts } from "./replay-counts.ts";
import { ReplayRun, type ReplaySettings } from "./replay-run.ts";
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
}

/** Whether a row was taken in, or why it cannot be read. */
export type FeedResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A candidate policy at work on recorded traffic. */
export interface Replay {
  /** Takes in the next row, in the order of the record. A row that cannot be read changes nothing but the counts. */
  feed(row: unknown): FeedResult;
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
}

class TrafficReplay implements Replay {
  readonly #settings: ReplaySettings;
  readonly #options: ReplayOptions;
  readonly #runs = new Map<string, OpenRun>();
  readonly #counts: ReplayCounts;

  constructor(policies: readonly Policy[], options: ReplayOptions) {
    const set = compile(policies);
    const tags = new Map((options.tools ?? []).map((tool) => [tool.name, effectiveTags(tool)]));
    const { slug = "agent", tags: agentTags = [] } = options.agent ?? {};
    this.#options = options;
    this.#counts = new ReplayCounts(set.policies);
    this.#settings = {
      set,
      windows: new LocalWindows(),
      sessions: new SessionLabels(),
      failClosed: options.failClosed ?? false,
      tagsOf: (tool) => tags.get(tool) ?? [],
      agent: { slug, tags: agentTags },
      onMissing: (what) => this.#counts.missing(what),
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

  report(): ReplayReport {
    for (const open of this.#runs.values()) this.#settle(open);
    return this.#counts.report();
  }

  #take(step: TrafficStep): void {
    if (step.kind === "lost") this.#counts.lose(step.count);
    else this.#takeOf(step);
  }

  #takeOf(step: Exclude<TrafficStep, TrafficLoss>): void {
    const open = this.#runOf(step);
    const isAnswer = step.kind === "message" && step.message.role === "assistant";
    if (step.kind !== "start") this.#settle(open, isAnswer ? step.message : undefined);
    const { run } = open;
    switch (step.kind) {
      case "start":
        run.begin(step);
        break;
      case "prompt":
        run.prompt(step.text);
        break;
      case "message":
        run.message(step.message);
        if (step.isIncomplete) this.#counts.incomplete();
        break;
      case "call":
        this.#takeCall(run, step);
        break;
      case "result":
        this.#counts.result(run.result(step), step);
        break;
      case "llm":
        this.#counts.modelCall(run.llm(step), step);
        break;
      case "llmResult":
        open.answer = step;
        break;
      case "end":
        this.#runs.delete(step.runId);
        break;
      default:
        step satisfies never;
    }
  }

  #takeCall(run: ReplayRun, step: TrafficCall): void {
    const decided = run.call(step);
    this.#counts.call(decided, step);
    this.#options.onDecision?.(step, decided.decision);
  }

  /** A model's answer is decided once it is known which message it was. */
  #settle(open: OpenRun, response?: Message): void {
    const { answer, run } = open;
    if (answer === undefined) return;
    open.answer = undefined;
    this.#counts.modelResult(run.llmResult(answer, response), answer);
  }

  #runOf(step: TrafficStep): OpenRun {
    const { runId, atMs } = step;
    const known = this.#runs.get(runId);
    if (known !== undefined) {
      this.#runs.delete(runId);
      this.#runs.set(runId, known);
      return known;
    }
    const start: TrafficStart = step.kind === "start" ? step : { kind: "start", isImplied: true, runId, atMs };
    const open: OpenRun = { run: new ReplayRun(this.#settings, start), answer: undefined };
    this.#runs.set(runId, open);
    this.#counts.run();
    this.#forgetOldest();
    return open;
  }

  #forgetOldest(): void {
    if (this.#runs.size <= REPLAY_LIMITS.runCountMax) return;
    for (const [runId, open] of this.#runs) {
      this.#settle(open);
      this.#runs.delete(runId);
      this.#counts.forget();
      return;
    }
  }
}
