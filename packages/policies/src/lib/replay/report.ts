import type { Decision, EvaluatedRule, JsonValue } from "@handlebar/protocol";

/** A recorded call that a rule would have answered. */
export interface ReplayExample {
  readonly runId: string;
  readonly callId: string;
  readonly tool: string;
  /** As JSON, cut to 200 characters. */
  readonly args: string;
}

/** What one rule would have done. */
export interface ReplayRule {
  readonly policyId: string;
  readonly ruleId: string;
  readonly mode: "enforce" | "shadow";
  readonly blocked: number;
  readonly held: number;
  readonly redacted: number;
  /** The first few of them. */
  readonly examples: readonly ReplayExample[];
}

export interface ReplayReport {
  readonly rows: number;
  /** Rows that could not be read, by why. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly runs: number;
  /** Tool calls that were decided again. */
  readonly calls: number;
  readonly modelCalls: number;
  /** Tool calls by the candidate's answer. */
  readonly answers: {
    readonly allowed: number;
    readonly held: number;
    readonly blocked: number;
    readonly terminated: number;
  };
  /** Calls that were let through and would not be, and calls that were blocked and would be let through. */
  readonly changed: { readonly stricter: number; readonly milder: number };
  /** Every rule of the candidate, the busiest first. */
  readonly rules: readonly ReplayRule[];
}

const EXAMPLE_COUNT_MAX = 5;
const EXAMPLE_ARGS_LENGTH_MAX = 200;

interface Tally {
  readonly policyId: string;
  readonly ruleId: string;
  readonly mode: "enforce" | "shadow";
  blocked: number;
  held: number;
  redacted: number;
  readonly examples: ReplayExample[];
}

/** What is being counted: a recorded call, and what became of it then. */
export interface Counted {
  readonly runId: string;
  readonly callId: string;
  readonly tool: string;
  readonly args: JsonValue;
  readonly recorded: "ALLOW" | "BLOCK" | undefined;
}

/** Adds up what the candidate answers. */
export class ReplayCounts {
  readonly #rules = new Map<string, Tally>();
  readonly #skipped: Record<string, number> = {};
  readonly #answers = { allowed: 0, held: 0, blocked: 0, terminated: 0 };
  readonly #changed = { stricter: 0, milder: 0 };
  rows: number = 0;
  runs: number = 0;
  #calls = 0;
  #modelCalls = 0;

  skip(reason: string): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
  }

  /** A rule is listed even where it would have done nothing. */
  know(policyId: string, ruleId: string, mode: "enforce" | "shadow"): void {
    const rule = { policyId, ruleId, mode, blocked: 0, held: 0, redacted: 0, examples: [] };
    this.#rules.set(keyOf(policyId, ruleId), rule);
  }

  call(decision: Decision, counted: Counted): void {
    this.#calls += 1;
    if (decision.verdict === "ALLOW") this.#answers.allowed += 1;
    else if (decision.cause.kind === "HITL_PENDING") this.#answers.held += 1;
    else this.#answers.blocked += 1;
    if (decision.control === "TERMINATE") this.#answers.terminated += 1;
    if (decision.verdict === "BLOCK" && counted.recorded !== "BLOCK") this.#changed.stricter += 1;
    if (decision.verdict === "ALLOW" && counted.recorded === "BLOCK") this.#changed.milder += 1;
    this.rulesOf(decision, counted);
  }

  modelCall(decision: Decision, counted: Counted): void {
    this.#modelCalls += 1;
    this.rulesOf(decision, counted);
  }

  /** Counts the rules alone, such as for what a tool returned. */
  rulesOf(decision: Decision, counted: Counted): void {
    for (const rule of decision.evaluatedRules) if (rule.violated) this.#count(rule, counted);
  }

  report(): ReplayReport {
    const busy = (rule: Tally): number => rule.blocked + rule.held + rule.redacted;
    return {
      rows: this.rows,
      skipped: this.#skipped,
      runs: this.runs,
      calls: this.#calls,
      modelCalls: this.#modelCalls,
      answers: { ...this.#answers },
      changed: { ...this.#changed },
      rules: [...this.#rules.values()].sort((a, b) => busy(b) - busy(a)),
    };
  }

  #count(row: EvaluatedRule, counted: Counted): void {
    const key = keyOf(row.policyId, row.ruleId);
    if (!this.#rules.has(key)) this.know(row.policyId, row.ruleId, row.mode);
    const rule = this.#rules.get(key);
    if (rule === undefined) return;
    if (row.effect === "block") rule.blocked += 1;
    else if (row.effect === "hitl") rule.held += 1;
    else rule.redacted += 1;
    if (rule.examples.length < EXAMPLE_COUNT_MAX) rule.examples.push(exampleOf(counted));
  }
}

function exampleOf({ runId, callId, tool, args }: Counted): ReplayExample {
  const text = JSON.stringify(args);
  const shown = text.length <= EXAMPLE_ARGS_LENGTH_MAX ? text : `${text.slice(0, EXAMPLE_ARGS_LENGTH_MAX - 1)}…`;
  return { runId, callId, tool, args: shown };
}

function keyOf(policyId: string, ruleId: string): string {
  return `${policyId}\n${ruleId}`;
}
