import type {
  Decision,
  Effect,
  EvaluatedRule,
  JsonValue,
  Policy,
  Redaction,
  ShadowDecision,
} from "@handlebar/protocol";
import { REPLAY_LIMITS } from "./limits.ts";
import { wouldRedact } from "./redacts.ts";
import type { Decided } from "./replay-run.ts";
import type {
  ReplayAnswers,
  ReplayChange,
  ReplayExample,
  ReplayPolicy,
  ReplayReport,
  ReplayRule,
  ReplayTally,
} from "./report.ts";
import type { RecordedAnswer, TrafficCall, TrafficModelCall, TrafficModelResult, TrafficResult } from "./traffic.ts";

type Counting<T> = { -readonly [K in keyof T]: T[K] };

/** A rule's counts, and whether what it asks for ends the run. */
interface RuleCounts {
  readonly row: Counting<Omit<ReplayRule, "examples">>;
  readonly examples: ReplayExample[];
  readonly terminates: boolean;
  readonly redactions: readonly Redaction[];
}

/** What is shown of a call. */
interface Shown {
  readonly runId: string;
  readonly callId: string;
  readonly step?: number | string | undefined;
  readonly tool: string;
  readonly args: JsonValue | undefined;
}

const OTHER_REASONS = "other reasons";

/** Adds up what the candidate answers. */
export class ReplayCounts {
  readonly #rules = new Map<string, RuleCounts>();
  readonly #skipped = new Map<string, number>();
  readonly #missing = new Set<string>();
  readonly #answers = noAnswers();
  readonly #answersWithShadow = noAnswers();
  readonly #changed: { readonly stricter: ReplayChange[]; readonly milder: ReplayChange[] } = {
    stricter: [],
    milder: [],
  };
  readonly #count = { rows: 0, runs: 0, forgottenRuns: 0, calls: 0, modelCalls: 0, stricter: 0, milder: 0 };
  readonly #gaps = { lostEvents: 0, incomplete: 0, cutRuns: 0 };

  /** Every rule of the candidate is listed, also where it would have done nothing. */
  constructor(policies: readonly Policy[]) {
    for (const { id: policyId = "", mode = "enforce", rules } of policies) {
      for (const { id: ruleId = "", effect } of rules) {
        this.#know({ policyId, ruleId, mode }, effect);
      }
    }
  }

  /** Gives the number of the row, from 1. */
  row(): number {
    this.#count.rows += 1;
    return this.#count.rows;
  }

  run(): void {
    this.#count.runs += 1;
  }

  /** The run's beginning is not in the record, or (`-1`) came after all. */
  cut(step: 1 | -1): void {
    this.#gaps.cutRuns += step;
  }

  forget(): void {
    this.#count.forgottenRuns += 1;
  }

  lose(count: number): void {
    this.#gaps.lostEvents += count;
  }

  incomplete(): void {
    this.#gaps.incomplete += 1;
  }

  /** As many as the candidate names at most. */
  missing(what: string): void {
    this.#missing.add(what);
  }

  passOver(reason: string): void {
    const isFull = this.#skipped.size >= REPLAY_LIMITS.skipReasonCountMax && !this.#skipped.has(reason);
    const key = isFull ? OTHER_REASONS : reason;
    this.#skipped.set(key, (this.#skipped.get(key) ?? 0) + 1);
  }

  call(decided: Decided, call: TrafficCall): void {
    const { decision } = decided;
    this.#count.calls += 1;
    if (call.isIncomplete) this.incomplete();
    countAnswer(this.#answers, decision);
    countAnswer(this.#answersWithShadow, decision.shadow ?? decision);
    this.#compare(decision, call);
    this.#countRules(decided, call);
  }

  result(decided: Decided, result: TrafficResult): void {
    if (result.isIncomplete) this.incomplete();
    const { runId, callId, tool } = result;
    this.#countRules(decided, { runId, callId, tool, args: undefined });
  }

  modelCall(decided: Decided, { runId, callId }: TrafficModelCall): void {
    this.#count.modelCalls += 1;
    this.#countRules(decided, { runId, callId, tool: "model", args: undefined });
  }

  modelResult(decided: Decided, { runId, callId, isIncomplete }: TrafficModelResult): void {
    if (isIncomplete) this.incomplete();
    this.#countRules(decided, { runId, callId, tool: "model", args: undefined });
  }

  report(): ReplayReport {
    const { rows, runs, forgottenRuns, calls, modelCalls, stricter, milder } = this.#count;
    const rules = [...this.#rules.values()].map(({ row, examples }) => ({ ...row, examples: [...examples] }));
    return {
      rows,
      skipped: Object.fromEntries(this.#skipped),
      runs,
      forgottenRuns,
      calls,
      modelCalls,
      answers: { ...this.#answers },
      answersWithShadow: { ...this.#answersWithShadow },
      changed: { stricter, milder, examples: [...this.#changed.stricter, ...this.#changed.milder] },
      policies: byPolicy(rules),
      rules: rules.sort((a, b) => doneBy(b) - doneBy(a)),
      gaps: { ...this.#gaps, missing: [...this.#missing].sort() },
    };
  }

  #compare(decision: Decision, call: TrafficCall): void {
    const { recorded } = call;
    if (!isComparable(recorded)) return;
    const wasBlocked = recorded?.verdict === "BLOCK";
    if (wasBlocked === (decision.verdict === "BLOCK")) return;
    const side = wasBlocked ? "milder" : "stricter";
    this.#count[side] += 1;
    if (this.#changed[side].length >= REPLAY_LIMITS.exampleCountMax) return;
    this.#changed[side].push({
      ...exampleOf(call),
      recorded: wasBlocked ? "blocked" : "allowed",
      now: answerOf(decision),
    });
  }

  #countRules({ decision, facts }: Decided, shown: Shown): void {
    const { evaluatedRules, cause } = decision;
    for (const evaluated of evaluatedRules) {
      const rule = this.#rules.get(keyOf(evaluated)) ?? this.#know(evaluated, undefined);
      if (evaluated.enabled) rule.row.asked += 1;
      if (!evaluated.violated) continue;
      if (evaluated.effect === "redact" && !wouldRedact(facts, rule.redactions)) continue;
      const isApproved = evaluated.effect === "hitl" && cause.kind === "HITL_APPROVED";
      if (evaluated.effect === "block") rule.row.blocked += 1;
      else if (evaluated.effect === "hitl") rule.row.held += 1;
      else rule.row.redacted += 1;
      if (rule.terminates && !isApproved) rule.row.terminated += 1;
      if (rule.examples.length < REPLAY_LIMITS.exampleCountMax) rule.examples.push(exampleOf(shown));
    }
  }

  /** @param effect absent for a policy's `default`, which ends no run. */
  #know(of: Pick<EvaluatedRule, "policyId" | "ruleId" | "mode">, effect: Effect | undefined): RuleCounts {
    const { policyId, ruleId, mode } = of;
    const row = { policyId, ruleId, mode, asked: 0, blocked: 0, held: 0, redacted: 0, terminated: 0 };
    const control = effect?.type === "block" || effect?.type === "hitl" ? effect.control : undefined;
    const redactions = effect?.type === "redact" ? effect.redact : [];
    const rule: RuleCounts = { row, examples: [], terminates: control === "TERMINATE", redactions };
    this.#rules.set(keyOf(row), rule);
    return rule;
  }
}

function noAnswers(): Counting<ReplayAnswers> {
  return { allowed: 0, held: 0, blocked: 0, terminated: 0 };
}

function countAnswer(answers: Counting<ReplayAnswers>, decision: Decision | ShadowDecision): void {
  answers[answerOf(decision)] += 1;
  if (decision.control === "TERMINATE") answers.terminated += 1;
}

/** A call that a person approved or denied in the record was held all the same. */
function answerOf({ verdict, cause }: Decision | ShadowDecision): "allowed" | "held" | "blocked" {
  if (cause.kind.startsWith("HITL_")) return "held";
  return verdict === "ALLOW" ? "allowed" : "blocked";
}

function isComparable(recorded: RecordedAnswer | undefined): boolean {
  return recorded?.cause.kind !== "LOCKDOWN" && recorded?.cause.kind !== "RUN_ENDED";
}

function byPolicy(rules: readonly ReplayRule[]): readonly ReplayPolicy[] {
  const policies = new Map<string, Counting<ReplayPolicy>>();
  for (const { policyId, mode, ...rule } of rules) {
    const sum = policies.get(policyId) ?? { policyId, mode, blocked: 0, held: 0, redacted: 0, terminated: 0 };
    policies.set(policyId, sum);
    for (const name of TALLIED) sum[name] += rule[name];
  }
  return [...policies.values()];
}

const TALLIED = ["blocked", "held", "redacted", "terminated"] as const satisfies readonly (keyof ReplayTally)[];

function doneBy({ blocked, held, redacted }: ReplayTally): number {
  return blocked + held + redacted;
}

function exampleOf({ runId, callId, step, tool, args }: Shown): ReplayExample {
  const { exampleArgsLengthMax } = REPLAY_LIMITS;
  const text = args === undefined ? "" : JSON.stringify(args);
  const shown = text.length <= exampleArgsLengthMax ? text : `${text.slice(0, exampleArgsLengthMax - 1)}…`;
  return { runId, callId, ...(step === undefined ? {} : { step }), tool, args: shown };
}

function keyOf({ policyId, ruleId }: Pick<EvaluatedRule, "policyId" | "ruleId">): string {
  return `${policyId}\n${ruleId}`;
}
