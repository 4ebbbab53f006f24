import type { AgentFacts, Facts } from "@handlebar/engine";
import type { BudgetWarning, Cause, Decision, EvaluatedRule, Policy, Rule, ShadowDecision } from "@handlebar/protocol";
import { selects, selectsEveryTool } from "./reference-comparison.ts";
import { type Asked, ReferenceCondition, type ReferenceHost } from "./reference-condition.ts";
import { afterResult } from "./reference-flow.ts";
import { NO_HISTORY, type ReferenceHistory } from "./reference-history.ts";
import { has, type ReferenceOutcome } from "./reference-outcome.ts";

/** A decision without its words. */
export type ReferenceDecision = Omit<Decision, "message">;

/** One rule that matched, as what it asks for. */
interface Matched {
  readonly ruleId: string;
  readonly policyId: string;
  readonly priority: number;
  readonly effect: "allow" | "redact" | "hitl" | "block";
  readonly terminates: boolean;
  readonly isShadow: boolean;
  readonly isUnavailable: boolean;
  readonly redactions: NonNullable<Decision["redactions"]>;
  /** What the cause of a block says of it. */
  readonly blockCause: Cause;
}

const SEVERITIES = ["allow", "redact", "hitl", "block"] as const;

/**
 * The policy language evaluated in the plainest way: every policy and rule is looked at for every call, every number is added up
 * again from a list of what happened, and nothing is compiled, indexed or remembered. What the engine answers must be the same.
 *
 * Policies and rules need ids. It does not know: paths with quotes, results in text that holds JSON, values that were cut,
 * free-text sources, and values of `argFrom` that are more than a word.
 */
export class ReferenceEvaluator {
  readonly #policies: readonly Policy[];
  readonly #host: ReferenceHost;
  #history: ReferenceHistory = NO_HISTORY;

  constructor(policies: readonly Policy[], host: ReferenceHost) {
    this.#policies = policies;
    this.#host = host;
  }

  get history(): ReferenceHistory {
    return this.#history;
  }

  /** What the user said. */
  notePrompt(text: string): void {
    this.#history = { ...this.#history, prompts: [...this.#history.prompts, text] };
  }

  /** After a decision of a before phase. */
  noteCall(facts: Facts, decision: Pick<Decision, "verdict">): void {
    if (decision.verdict !== "ALLOW" || !facts.phase.endsWith(".before")) return;
    const callId = facts.call?.callId ?? facts.llm?.callId ?? "";
    const call = { callId, tool: facts.call?.tool, args: facts.call?.args, atMs: facts.nowMs };
    this.#history = { ...this.#history, calls: [...this.#history.calls, call] };
  }

  /** Before the decision of an after phase. */
  noteResult(facts: Facts): void {
    const callId = facts.call?.callId ?? facts.llm?.callId ?? "";
    const calls = this.#history.calls.map((call) => (call.callId === callId ? { ...call, end: facts } : call));
    const history = { ...this.#history, calls };
    const policies = this.#policiesFor(facts.agent).filter((policy) => policy.enabled !== false);
    const ask = (condition: NonNullable<Rule["when"]>): ReferenceOutcome => {
      const rule: Rule = { name: "source", on: "tool.after", effect: { type: "block" } };
      const asked: Asked = { facts, history, host: this.#host, policies, rule, policyId: "" };
      return new ReferenceCondition(condition, asked).outcome(condition);
    };
    this.#history = { ...history, ...afterResult(policies, { facts, history, ask }) };
  }

  decide(facts: Facts): ReferenceDecision {
    const stop = stopOf(facts);
    if (stop !== undefined && facts.enforceMode === "enforce") return { ...stop, evaluatedRules: [] };
    const rows: EvaluatedRule[] = [];
    const matched: Matched[] = [];
    const warnings: BudgetWarning[] = [];
    let isDegraded = false;
    for (const policy of this.#policiesFor(facts.agent)) {
      const looked = this.#lookAt(policy, facts);
      rows.push(...looked.rows);
      matched.push(...looked.matched);
      warnings.push(...looked.warnings);
      isDegraded ||= looked.isDegraded;
    }
    const enforced = matched.filter((one) => !one.isShadow);
    const { redactions, ...conclusion } = conclude(enforced, facts);
    const shadow = stop ?? shadowOf(matched, enforced, facts);
    return {
      ...conclusion,
      evaluatedRules: rows.sort(byIds),
      ...(redactions.length > 0 ? { redactions } : {}),
      ...(shadow === undefined ? {} : { shadow }),
      ...(warnings.length > 0 ? { warnings: warnings.sort(byIds) } : {}),
      ...(isDegraded ? { degraded: ["HB_READING_UNAVAILABLE"] } : {}),
    };
  }

  #policiesFor(agent: AgentFacts): readonly Policy[] {
    return this.#policies.filter(({ agents }) => {
      if (agents?.anyOfSlugs !== undefined && !agents.anyOfSlugs.includes(agent.slug)) return false;
      if (agents?.anyOfTags !== undefined && !agents.anyOfTags.some((tag) => agent.tags.includes(tag))) return false;
      return agents?.allOfTags?.every((tag) => agent.tags.includes(tag)) !== false;
    });
  }

  #lookAt(policy: Policy, facts: Facts): Looked {
    const { id: policyId = "" } = policy;
    const looks = policy.rules.filter((rule) => isAbout(rule, facts)).map((rule) => this.#ask(rule, policy, facts));
    const rows = looks.map((look) => look.row);
    const matched = looks.flatMap((look) => (look.matched === undefined ? [] : [look.matched]));
    const isDegraded = looks.some((look) => look.isDegraded);
    const warnings = looks.flatMap((look) => look.warnings);
    const effect = policy.default ?? "allow";
    if (effect === "allow" || !policy.rules.some((rule) => [rule.on].flat().includes(facts.phase))) {
      return { rows, matched, warnings, isDegraded };
    }
    const enabled = policy.enabled !== false;
    const isMatched = enabled && !rows.some((row) => row.matched);
    const ruleId = `${policyId}#default`;
    const isShadow = facts.enforceMode === "shadow" || policy.mode === "shadow";
    rows.push({
      ruleId,
      policyId,
      enabled,
      matched: isMatched,
      violated: isMatched,
      mode: isShadow ? "shadow" : "enforce",
      effect,
      outcome: isMatched ? "true" : "false",
    });
    const blockCause: Cause = { kind: "RULE_VIOLATION", ruleId, policyId };
    const rest = { priority: -Infinity, terminates: false, isUnavailable: false, redactions: [], blockCause };
    if (isMatched) matched.push({ ruleId, policyId, effect, isShadow, ...rest });
    return { rows, matched, warnings, isDegraded };
  }

  #ask(rule: Rule, policy: Policy, facts: Facts): Look {
    const { id: ruleId = "", effect } = rule;
    const { id: policyId = "" } = policy;
    const enabled = rule.enabled !== false && policy.enabled !== false;
    const policies = this.#policiesFor(facts.agent).filter((one) => one.enabled !== false);
    const asked: Asked = { facts, history: this.#history, host: this.#host, policies, rule, policyId };
    const condition = rule.when === undefined ? undefined : new ReferenceCondition(rule.when, asked);
    const outcome = !enabled ? false : rule.when === undefined ? true : (condition?.outcome(rule.when) ?? true);
    const { isMatched, isUnavailable } = matches(rule, outcome, facts.failClosed);
    const isShadow = facts.enforceMode === "shadow" || policy.mode === "shadow";
    const row: EvaluatedRule = {
      ruleId,
      policyId,
      enabled,
      matched: isMatched,
      violated: isMatched && (effect.type !== "allow" || isUnavailable),
      mode: isShadow ? "shadow" : "enforce",
      effect: effect.type,
      outcome: nameOf(outcome),
    };
    const isDegraded = has(outcome, "unavailable");
    const warnings = enabled && !isShadow ? (condition?.warnings() ?? []) : [];
    if (!isMatched) return { row, matched: undefined, warnings, isDegraded };
    const spent = rule.when === undefined ? undefined : condition?.spentBudget(rule.when);
    const matched: Matched = {
      ruleId,
      policyId,
      priority: rule.priority ?? 0,
      effect: isUnavailable ? "block" : effect.type,
      terminates: "control" in effect && effect.control === "TERMINATE",
      isShadow,
      isUnavailable,
      redactions:
        effect.type === "redact" && !isUnavailable ? effect.redact.map((one) => ({ ...one, ruleId, policyId })) : [],
      blockCause: blockCauseOf({ ruleId, policyId }, { isUnavailable, spent }),
    };
    return { row, matched, warnings, isDegraded };
  }
}

/** What becomes of one rule. */
interface Look {
  readonly row: EvaluatedRule;
  readonly matched: Matched | undefined;
  readonly warnings: readonly BudgetWarning[];
  readonly isDegraded: boolean;
}

/** What becomes of one policy. */
interface Looked {
  readonly rows: readonly EvaluatedRule[];
  readonly matched: readonly Matched[];
  readonly warnings: readonly BudgetWarning[];
  readonly isDegraded: boolean;
}

function isAbout(rule: Rule, facts: Facts): boolean {
  if (![rule.on].flat().includes(facts.phase)) return false;
  const tool = facts.phase.startsWith("llm.") ? undefined : facts.call?.tool;
  return tool === undefined ? selectsEveryTool(rule.tool) : selects(rule.tool, tool);
}

function matches(
  rule: Rule,
  outcome: ReferenceOutcome,
  failClosed: boolean,
): { isMatched: boolean; isUnavailable: boolean } {
  if (typeof outcome === "boolean") return { isMatched: outcome, isUnavailable: false };
  const onUnknown = rule.onUnknown ?? (rule.effect.type === "allow" ? "skip" : "match");
  if (has(outcome, "unknown") && onUnknown === "match") return { isMatched: true, isUnavailable: false };
  if (!has(outcome, "unavailable")) return { isMatched: false, isUnavailable: false };
  if (rule.onUnavailable !== undefined) return { isMatched: rule.onUnavailable === "match", isUnavailable: false };
  return { isMatched: failClosed, isUnavailable: failClosed };
}

function nameOf(outcome: ReferenceOutcome): EvaluatedRule["outcome"] {
  if (typeof outcome === "boolean") return outcome ? "true" : "false";
  return has(outcome, "unknown") ? "unknown" : "unavailable";
}

function blockCauseOf(
  ids: { readonly ruleId: string; readonly policyId: string },
  why: { readonly isUnavailable: boolean; readonly spent: { readonly resetAtMs: number | undefined } | undefined },
): Cause {
  if (why.isUnavailable) return { kind: "UNAVAILABLE", code: "HB_READING_UNAVAILABLE" };
  if (why.spent === undefined) return { kind: "RULE_VIOLATION", ...ids };
  const { resetAtMs } = why.spent;
  return { kind: "BUDGET_EXHAUSTED", ...ids, ...(resetAtMs === undefined ? {} : { resetAt: resetAtMs }) };
}

type Conclusion = Pick<Decision, "verdict" | "control" | "cause" | "finalRuleId">;

function conclude(
  matched: readonly Matched[],
  { approval }: Facts,
): Conclusion & { readonly redactions: Matched["redactions"] } {
  const [winner] = [...matched].sort(
    (a, b) => SEVERITIES.indexOf(b.effect) - SEVERITIES.indexOf(a.effect) || b.priority - a.priority || byIds(a, b),
  );
  const final = winner === undefined ? {} : { finalRuleId: winner.ruleId };
  const isApproved = approval?.status === "approved";
  const stops = (effect: Matched["effect"]): boolean => matched.some((one) => one.effect === effect && one.terminates);
  const by = approval?.by === undefined ? {} : { by: approval.by };
  const none: Matched["redactions"] = [];
  if (winner?.effect === "block") {
    const terminates = stops("block") || (stops("hitl") && !isApproved);
    return {
      verdict: "BLOCK",
      control: terminates ? "TERMINATE" : "CONTINUE",
      cause: winner.blockCause,
      ...final,
      redactions: none,
    };
  }
  const redactions = [...matched].sort(byIds).flatMap((one) => one.redactions);
  if (winner?.effect !== "hitl")
    return { verdict: "ALLOW", control: "CONTINUE", cause: { kind: "ALLOW" }, ...final, redactions };
  if (approval !== undefined && isApproved) {
    const cause: Cause = { kind: "HITL_APPROVED", approvalId: approval.approvalId, ...by };
    return { verdict: "ALLOW", control: "CONTINUE", cause, ...final, redactions };
  }
  const { ruleId, policyId } = winner;
  const id = approval === undefined ? {} : { approvalId: approval.approvalId };
  const cause: Cause =
    approval?.status === "denied"
      ? {
          kind: "HITL_DENIED",
          approvalId: approval.approvalId,
          ...by,
          ...(approval.instead === undefined ? {} : { instead: approval.instead }),
        }
      : { kind: "HITL_PENDING", ...id, ruleId, policyId };
  return { verdict: "BLOCK", control: stops("hitl") ? "TERMINATE" : "CONTINUE", cause, ...final, redactions: none };
}

/** What enforcing everything would have answered, where that is something else. */
function shadowOf(all: readonly Matched[], enforced: readonly Matched[], facts: Facts): ShadowDecision | undefined {
  const is = conclude(enforced, facts);
  const { redactions, ...would } = conclude(all, facts);
  const redacts = redactions.length > is.redactions.length && would.verdict === "ALLOW";
  const isSame = would.verdict === is.verdict && would.control === is.control && sameCause(would.cause, is.cause);
  if (isSame && !redacts) return undefined;
  return { ...would, ...(redacts ? { redacts } : {}) };
}

function sameCause(a: Cause, b: Cause): boolean {
  const sorted = (cause: Cause): string => JSON.stringify(Object.entries(cause).sort());
  return sorted(a) === sorted(b);
}

/** A stop order, or the end of the run, which come before every rule. */
function stopOf(facts: Facts): Conclusion | undefined {
  const inForce = (facts.lockdowns ?? []).filter(({ scope, until }) => {
    if (until !== undefined && Date.parse(until) <= facts.nowMs) return false;
    if (scope.kind === "agent") return scope.slug === facts.agent.slug;
    if (scope.kind === "actor") return scope.externalId === facts.actor?.externalId;
    if (scope.kind === "session") return scope.sessionId === facts.run.sessionId;
    return scope.kind === "workspace" || scope.name === facts.call?.tool.name;
  });
  const isEnded = facts.run.status !== "open";
  const sorted = [...inForce].sort((a, b) => (a.lockdownId < b.lockdownId ? -1 : 1));
  const forRun = sorted.find(({ scope }) => scope.kind !== "tool");
  const found = forRun ?? (isEnded ? undefined : sorted[0]);
  if (found !== undefined) {
    const control = forRun === undefined ? "CONTINUE" : "TERMINATE";
    return { verdict: "BLOCK", control, cause: { kind: "LOCKDOWN", lockdownId: found.lockdownId } };
  }
  return isEnded ? { verdict: "BLOCK", control: "TERMINATE", cause: { kind: "RUN_ENDED" } } : undefined;
}

function byIds(
  a: { readonly policyId: string; readonly ruleId: string },
  b: { readonly policyId: string; readonly ruleId: string },
): number {
  const order = (left: string, right: string): number => (left === right ? 0 : left < right ? -1 : 1);
  return order(a.policyId, b.policyId) || order(a.ruleId, b.ruleId);
}
