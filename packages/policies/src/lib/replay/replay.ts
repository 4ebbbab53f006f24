import { compile, LocalWindows } from "@handlebar/engine";
import type { Decision, Policy, Tool } from "@handlebar/protocol";
import { readTrafficRow } from "./read-row.ts";
import { ReplayRun, type ReplaySettings } from "./replay-run.ts";
import { ReplayCounts, type ReplayReport } from "./report.ts";
import type { TrafficStep } from "./traffic.ts";

export interface ReplayOptions {
  /** Tags of tools, beside those recorded with the calls. */
  readonly tools?: readonly Tool[] | undefined;
  /** The agent of rows that name none. Default `agent`. */
  readonly agent?: { readonly slug: string; readonly tags?: readonly string[] | undefined } | undefined;
  readonly failClosed?: boolean | undefined;
  /** Told of every tool call that was decided again. */
  readonly onDecision?:
    | ((call: Extract<TrafficStep, { readonly kind: "call" }>, decision: Decision) => void)
    | undefined;
}

/** A candidate policy at work on recorded traffic. */
export interface Replay {
  /** Takes in the next row, in the order of the record. False, with the reason counted, for one that cannot be read. */
  feed(row: unknown): boolean;
  report(): ReplayReport;
}

/** Runs whose memory is kept at once; the one that was seen longest ago is forgotten beyond it. */
const RUN_COUNT_MAX = 10_000;

/**
 * Decides recorded traffic again by a candidate, statefully: counters, sequences, windows and labels are what they were when
 * it was recorded, since what ran then counts as having run. Calls no tool.
 * @throws HandlebarError `HB_POLICY_…` where the candidate is wrong.
 */
export function createReplay(policies: readonly Policy[], options: ReplayOptions = {}): Replay {
  return new TrafficReplay(policies, options);
}

class TrafficReplay implements Replay {
  readonly #settings: ReplaySettings;
  readonly #options: ReplayOptions;
  readonly #runs = new Map<string, ReplayRun>();
  readonly #counts = new ReplayCounts();

  constructor(policies: readonly Policy[], options: ReplayOptions) {
    const set = compile(policies);
    const tags = new Map((options.tools ?? []).map((tool) => [tool.name, tagsOf(tool)]));
    this.#options = options;
    this.#settings = {
      set,
      windows: new LocalWindows(),
      failClosed: options.failClosed ?? false,
      tagsOf: (tool) => tags.get(tool) ?? [],
      agentSlug: options.agent?.slug ?? "agent",
      agentTags: options.agent?.tags ?? [],
    };
    for (const policy of set.policies) {
      for (const rule of policy.rules) this.#counts.know(policy.id ?? "", rule.id ?? "", policy.mode ?? "enforce");
    }
  }

  feed(row: unknown): boolean {
    this.#counts.rows += 1;
    const reading = readTrafficRow(row, this.#counts.rows);
    if (!reading.ok) {
      this.#counts.skip(reading.reason);
      return false;
    }
    for (const step of reading.steps) this.#take(step);
    return true;
  }

  report(): ReplayReport {
    return this.#counts.report();
  }

  #take(step: TrafficStep): void {
    const run = this.#runOf(step.runId);
    const counted = { runId: step.runId, callId: "", tool: "", args: null, recorded: undefined };
    switch (step.kind) {
      case "start":
        run.begin(step);
        return;
      case "prompt":
        run.prompt(step.text);
        return;
      case "call": {
        const decision = run.call(step);
        this.#counts.call(decision, { ...step, recorded: step.verdict });
        this.#options.onDecision?.(step, decision);
        return;
      }
      case "result":
        this.#counts.rulesOf(run.result(step), { ...counted, callId: step.callId, tool: step.tool });
        return;
      case "llm":
        this.#counts.modelCall(run.llm(step), { ...counted, callId: step.callId, tool: "model" });
        return;
      case "llmResult":
        this.#counts.rulesOf(run.llmResult(step), { ...counted, callId: step.callId, tool: "model" });
        return;
      case "end":
        this.#runs.delete(step.runId);
        return;
    }
  }

  #runOf(runId: string): ReplayRun {
    const known = this.#runs.get(runId);
    if (known !== undefined) {
      this.#runs.delete(runId);
      this.#runs.set(runId, known);
      return known;
    }
    const run = new ReplayRun(this.#settings);
    this.#runs.set(runId, run);
    this.#counts.runs += 1;
    if (this.#runs.size > RUN_COUNT_MAX) {
      const [oldest] = this.#runs.keys();
      if (oldest !== undefined) this.#runs.delete(oldest);
    }
    return run;
  }
}

function tagsOf(tool: Tool): readonly string[] {
  const tags = tool.tags ?? [];
  return tool.classification === undefined ? tags : [...tags, `classification:${tool.classification}`];
}
