import type { Agent, Policy, Tool } from "@handlebar/protocol";
import { checkArguments } from "./argument-check.ts";
import { checkCompiles, checkExpressions } from "./compile-check.ts";
import { placedRules, placedSources } from "./condition-walk.ts";
import { checkFlowGuard, checkLabels } from "./label-check.ts";
import { checkAgents, checkNames, type RegisteredNames } from "./name-check.ts";
import { checkPhases } from "./phase-check.ts";
import { Findings, type PolicyFinding } from "./policy-finding.ts";
import { type AgentInventory, checkReach } from "./reach-check.ts";
import { checkRules } from "./rule-check.ts";
import { checkShadows } from "./shadow-check.ts";
import { checkTools, knownTools } from "./tool-check.ts";

/** What is registered; what is absent is not known, and nothing is held against it. */
export interface CheckOptions extends RegisteredNames {
  readonly tools?: readonly Tool[] | undefined;
  readonly agents?: readonly Agent[] | undefined;
  /** The tools of each agent, those without any included. */
  readonly inventories?: readonly AgentInventory[] | undefined;
}

/**
 * Looks for what is wrong with policies, and for what their authors surely did not mean, without any call (DESIGN "How a
 * decision is made", what is rejected when it is saved).
 *
 * Errors: everything that `compile` refuses, all of it and not only the first; and what a rule's phases do not have. Warnings:
 * names of tools, arguments, agents, metrics, signals and functions that nothing registered has; rules that no tool of their policy's
 * agents fits; comparisons that an
 * argument's schema rules out; conditions that can never be true or never be false; rules that another one duplicates or makes
 * superfluous; labels without source or test. What is said of conditions is proved: where a proof would take more than 512
 * conjuncts nothing is said.
 *
 * @param policies - of the form of `policySchema`, all that will be in force together. Expressions need not be prepared.
 * @returns policy by policy, errors first, then in the order of the policy. Never throws for policies of that form.
 */
export function checkPolicies(policies: readonly Policy[], options: CheckOptions = {}): readonly PolicyFinding[] {
  const findings = new Findings();
  const prepared = checkExpressions(policies, findings);
  const placed = { rules: placedRules(prepared), sources: placedSources(prepared) };
  checkCompiles(prepared, placed, findings);
  checkPhases(placed.rules, placed.sources, findings);
  checkNames(placed, options, findings);
  if (options.agents !== undefined) checkAgents(prepared, options.agents, findings);
  checkLabels(prepared, placed, findings);
  const rules = checkRules(placed.rules, findings);
  checkShadows(rules, findings);
  if (options.tools !== undefined) {
    const tools = knownTools(options.tools);
    checkTools(placed, tools, findings);
    checkArguments(placed.rules, tools, findings);
    checkFlowGuard(placed.rules, tools, findings);
  }
  if (options.inventories !== undefined) checkReach(placed.rules, options.inventories, findings);
  return findings.sorted();
}
