import type { BudgetWarning, Decision, EvaluatedRule, HandlebarErrorCode, ShadowDecision } from "@handlebar/protocol";
import { type CompiledRule, defaultRow, evaluatedRow } from "./compiled-rule.ts";
import { type Conclusion, conclude, isSameConclusion } from "./conclude.ts";
import { warningOf } from "./conditions/windows.ts";
import { isLlmPhase } from "./counter.ts";
import type { Facts } from "./facts.ts";
import { Frame } from "./frame.ts";
import { endsRun, findLockdown } from "./lockdown.ts";
import { ALLOWED, messageOf } from "./message-text.ts";
import { FALSE, type Outcome, TRUE, UNAVAILABLE_OUTCOME, UNKNOWN_OUTCOME } from "./outcome.ts";
import type { PolicySet } from "./policy-set.ts";
import type { Candidates } from "./rule-index.ts";
import { Tally } from "./tally.ts";

const NO_RULES = 0;

/**
 * Decides one call (DESIGN "How a decision is made"): pure, synchronous, total. Whoever calls it fetched before what `needs`
 * names.
 *
 * `evaluatedRules` lists, by policy id and rule id, every rule whose phase and tool selector match; one that is disabled, or
 * of a disabled policy, is listed with `enabled: false` and was not evaluated. Its entries are frozen and shared between
 * decisions. A policy whose `default` is not `allow` is listed as the rule `<policyId>#default`.
 *
 * Never throws: facts that do not have their form are answered with BLOCK and cause `UNAVAILABLE`
 * (`HB_FACTS_INVALID`), with ALLOW in `enforceMode: "shadow"`.
 */
export function decide(set: PolicySet, facts: Facts): Decision {
  try {
    if (facts.call === undefined && !isLlmPhase(facts)) throw new TypeError("a tool phase has no call");
    const stop = findStop(facts);
    const candidates = set.indexFor(facts.agent).candidates(facts);
    if (stop === undefined && candidates.rules.length === NO_RULES) return UNASKED;
    return new Deciding(facts, candidates).decide(stop);
  } catch {
    return undecided(facts);
  }
}

const NO_ROWS: EvaluatedRule[] = [];
Object.freeze(NO_ROWS);

/** The decision on every call that no rule is for: most of them, so that it is one frozen object for all. */
const UNASKED: Decision = Object.freeze<Decision>({
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: Object.freeze<Decision["cause"]>({ kind: "ALLOW" }),
  message: ALLOWED,
  evaluatedRules: NO_ROWS,
});

/** One decision on its way. */
class Deciding {
  readonly #facts: Facts;
  readonly #frame: Frame;
  readonly #candidates: Candidates;
  readonly #isShadowClient: boolean;
  readonly #own: Tally = new Tally();
  /** With what shadow rules ask for; there once one of them matched. */
  #whole: Tally | undefined = undefined;
  #isDegraded = false;

  constructor(facts: Facts, candidates: Candidates) {
    this.#facts = facts;
    this.#frame = new Frame(facts);
    this.#isShadowClient = facts.enforceMode === "shadow";
    this.#candidates = candidates;
  }

  decide(stop: Conclusion | undefined): Decision {
    if (stop !== undefined && !this.#isShadowClient) {
      return { ...withoutRuleId(stop), message: messageOf(stop, undefined, this.#frame), evaluatedRules: [] };
    }
    const evaluatedRules = this.#evaluate();
    const conclusion = conclude(this.#own, this.#frame);
    const isRedacting = conclusion.verdict === "ALLOW" && this.#own.redactions.length > 0;
    const decision: Decision = {
      verdict: conclusion.verdict,
      control: conclusion.control,
      cause: conclusion.cause,
      message: messageOf(conclusion, this.#own.winner, this.#frame),
      evaluatedRules,
    };
    if (conclusion.finalRuleId !== undefined) decision.finalRuleId = conclusion.finalRuleId;
    if (isRedacting) decision.redactions = this.#own.redactions;
    const shadow = this.#shadow(conclusion, stop);
    if (shadow !== undefined) decision.shadow = shadow;
    const warnings = this.#warnings();
    if (warnings.length > 0) decision.warnings = warnings;
    if (this.#isDegraded) decision.degraded = ["HB_READING_UNAVAILABLE"];
    return decision;
  }

  #warnings(): BudgetWarning[] {
    const { warners } = this.#candidates;
    if (warners.length === NO_RULES || this.#isShadowClient) return [];
    return warners.map((counter) => warningOf(counter, this.#frame)).filter((warning) => warning !== undefined);
  }

  #evaluate(): EvaluatedRule[] {
    const { rules, defaults } = this.#candidates;
    const rows: EvaluatedRule[] = [];
    for (const rule of rules) rows.push(rule.isEnabled && !rule.isDefault ? this.#ask(rule) : this.#passOver(rule));
    for (const { at, start, end } of defaults) {
      const rule = rules[at];
      if (rule?.isEnabled !== true || rows.slice(start, end).some((row) => row.matched)) continue;
      rows[at] = defaultRow(rule, true, this.#isShadow(rule));
      this.#take(rule, false);
    }
    return rows;
  }

  #passOver(rule: CompiledRule): EvaluatedRule {
    return evaluatedRow(rule, FALSE, false, this.#isShadow(rule));
  }

  #ask(rule: CompiledRule): EvaluatedRule {
    const outcome = rule.ask === undefined ? TRUE : rule.ask(this.#frame);
    const isShadow = this.#isShadow(rule);
    if (outcome === FALSE) return evaluatedRow(rule, FALSE, false, isShadow);
    if ((outcome & UNAVAILABLE_OUTCOME) !== 0) this.#isDegraded = true;
    const isMatched = outcome === TRUE || ((outcome & UNKNOWN_OUTCOME) !== 0 && rule.unknownMatches);
    if (isMatched) this.#take(rule, false);
    if (isMatched || (outcome & UNAVAILABLE_OUTCOME) === 0) return evaluatedRow(rule, outcome, isMatched, isShadow);
    return this.#takeUnavailable(rule, outcome);
  }

  /** A shared reading was out of reach, and nothing else makes the rule match. */
  #takeUnavailable(rule: CompiledRule, outcome: Outcome): EvaluatedRule {
    const isShadow = this.#isShadow(rule);
    if (rule.onUnavailable !== undefined) {
      const isMatched = rule.onUnavailable === "match";
      if (isMatched) this.#take(rule, false);
      return evaluatedRow(rule, outcome, isMatched, isShadow);
    }
    if (this.#facts.failClosed) this.#take(rule, true);
    return evaluatedRow(rule, outcome, this.#facts.failClosed, isShadow);
  }

  #isShadow(rule: CompiledRule): boolean {
    return this.#isShadowClient || rule.isShadow;
  }

  #take(rule: CompiledRule, isUnavailable: boolean): void {
    if (this.#isShadow(rule)) {
      this.#whole ??= this.#own.clone();
    } else {
      this.#own.take(rule, isUnavailable);
    }
    this.#whole?.take(rule, isUnavailable);
  }

  /** What enforcing everything would have answered, where that is something else. */
  #shadow(conclusion: Conclusion, stop: Conclusion | undefined): ShadowDecision | undefined {
    if (stop !== undefined) return withoutRuleId(stop);
    const whole = this.#whole;
    if (whole === undefined) return undefined;
    const would = conclude(whole, this.#frame);
    const redacts = would.verdict === "ALLOW" && whole.redactions.length > this.#own.redactions.length;
    if (!redacts && isSameConclusion(would, conclusion)) return undefined;
    return { ...withoutRuleId(would), ...(redacts ? { redacts } : {}) };
  }
}

/** A stop order or the run's end, which come before every rule. */
function findStop(facts: Facts): Conclusion | undefined {
  const lockdown = findLockdown(facts);
  const isEnded = facts.run.status !== "open";
  if (lockdown !== undefined && (endsRun(lockdown) || !isEnded)) {
    return {
      verdict: "BLOCK",
      control: endsRun(lockdown) ? "TERMINATE" : "CONTINUE",
      cause: { kind: "LOCKDOWN", lockdownId: lockdown.lockdownId },
      finalRuleId: undefined,
    };
  }
  if (!isEnded) return undefined;
  return { verdict: "BLOCK", control: "TERMINATE", cause: { kind: "RUN_ENDED" }, finalRuleId: undefined };
}

/** A conclusion as decisions carry it: without the field that has no value. */
function withoutRuleId({ verdict, control, cause, finalRuleId }: Conclusion): ShadowDecision {
  return { verdict, control, cause, ...(finalRuleId === undefined ? {} : { finalRuleId }) };
}

/** The answer for facts that cannot be read: not knowing is no reason to let a call through. */
function undecided(facts: Facts): Decision {
  const code: HandlebarErrorCode = "HB_FACTS_INVALID";
  const isShadow = isShadowClient(facts);
  return {
    verdict: isShadow ? "ALLOW" : "BLOCK",
    control: "CONTINUE",
    cause: { kind: "UNAVAILABLE", code },
    message: isShadow ? ALLOWED : "this call was denied: it could not be checked",
    evaluatedRules: [],
    degraded: [code],
  };
}

function isShadowClient(facts: Facts): boolean {
  try {
    return facts.enforceMode === "shadow";
  } catch {
    return false;
  }
}
