import type { Rule } from "@handlebar/protocol";
import { compileTimeGate } from "../time-gate.ts";
import { TimeZones } from "../time-zone.ts";
import { ruleContext } from "./check-context.ts";
import type { LeafCondition, PlacedRule } from "./condition-walk.ts";
import { RuleLogic } from "./logic/rule-logic.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";

const WEEK_MINUTES = 7 * 24 * 60;
const _MINUTE_MS = 60_000;

/** A rule that can matter, and what is known of when it matches. */
export interface AnalysedRule extends PlacedRule {
  readonly logic: RuleLogic;
}

/** Reports what each rule, looked at alone, can never do. Rules with errors and disabled ones are left out. */
export function checkRules(rules: readonly PlacedRule[], findings: Findings): readonly AnalysedRule[] {
  return rules.flatMap((placed): AnalysedRule[] => {
    const { policyIndex, policy, rule } = placed;
    if (policy.enabled === false || rule.enabled === false || findings.hasError(policyIndex, rule)) return [];
    const logic = new RuleLogic(rule, ruleContext(policy, rule));
    const analysed = { ...placed, logic };
    checkCondition(analysed, findings);
    checkEffect(analysed, findings);
    return [analysed];
  });
}

function checkCondition({ logic, leaves, keys, ...place }: AnalysedRule, findings: Findings): void {
  const where: FindingPlace = { ...place, keys: place.rule.when === undefined ? keys : [...keys, "when"] };
  if (logic.isNeverTrue) {
    const message =
      place.rule.when === undefined
        ? "the rule selects no call at all"
        : "the condition can never be true for a call that the rule selects";
    findings.warn(where, "HB_POLICY_NEVER_TRUE", { message, fix: "correct what contradicts itself" });
  } else if (logic.isNeverFalse && place.rule.when !== undefined) {
    const message = "the condition can never be false for a call that the rule selects";
    findings.warn(where, "HB_POLICY_ALWAYS_TRUE", { message, fix: "correct it, or leave `when` out" });
  }
  for (const { leaf, keys: at } of leaves) {
    const constant = constantOf(leaf);
    if (constant === undefined) continue;
    findings.warn({ ...place, keys: at }, constant.holds ? "HB_POLICY_ALWAYS_TRUE" : "HB_POLICY_NEVER_TRUE", constant);
  }
}

interface Constant {
  readonly holds: boolean;
  readonly message: string;
  readonly fix: string;
}

/** What a leaf that reads the clock or a window comes to, where that is the same for every call. */
function constantOf(leaf: LeafCondition): Constant | undefined {
  if (leaf.kind === "maxCalls" && leaf.max === 0 && leaf.tool === undefined) {
    const message = "holds from the first call on, since a call counts itself";
    return { holds: true, message, fix: "raise `max`, or leave the condition out" };
  }
  if (leaf.kind === "metricWindow" && leaf.aggregate === "count") {
    const isNever = (leaf.op === "lt" && leaf.value <= 0) || (leaf.op === "lte" && leaf.value < 0);
    const isAlways = (leaf.op === "gte" && leaf.value <= 0) || (leaf.op === "gt" && leaf.value < 0);
    if (!isNever && !isAlways) return undefined;
    const message = `a count is ${isNever ? "never below" : "always above"} this`;
    return { holds: isAlways, message, fix: "correct `op` or `value`" };
  }
  if (leaf.kind === "timeGate" && new Set(leaf.windows.flatMap(({ days }) => days)).size === 7 && isWholeWeek(leaf)) {
    return {
      holds: true,
      message: "the windows cover the whole week",
      fix: "correct them, or leave the condition out",
    };
  }
  return undefined;
}

function isWholeWeek({ windows }: Extract<LeafCondition, { readonly kind: "timeGate" }>): boolean {
  return compileTimeGate(windows, new TimeZones()).minutesPerWeek === WEEK_MINUTES;
}

function checkEffect({ logic, leaves: _, keys, ...place }: AnalysedRule, findings: Findings): void {
  const { policy, rule } = place;
  const { type } = rule.effect;
  const at: FindingPlace = { ...place, keys: [...keys, "effect", "type"] };
  if (type === "allow" && (policy.default ?? "allow") === "allow") {
    const message =
      "changes nothing: the policy lets through what no rule matched, and an `allow` overrides no other rule";
    findings.warn(at, "HB_POLICY_ALLOW_USELESS", { message, fix: "set the policy's `default` to `block` or `hitl`" });
  }
  if ((type === "block" || type === "hitl") && selectsEverything(rule) && logic.isNeverFalse) {
    const message = `${type === "block" ? "blocks" : "holds"} every call in ${[rule.on].flat().join(" and ")}`;
    const fix = "give the rule a tool selector or a condition, unless that is meant";
    findings.warn(at, "HB_POLICY_BLOCKS_EVERYTHING", { message, fix });
  }
}

function selectsEverything({ tool }: Rule): boolean {
  if (tool === undefined) return true;
  const isAnyName = tool.name === undefined || [tool.name].flat().some((glob) => /^\*+$/.test(glob));
  return isAnyName && tool.tagsAny === undefined && tool.tagsAll === undefined;
}
