import { HandlebarError, type Policy } from "@handlebar/protocol";
import { compile } from "../compile.ts";
import { CompileContext, CompileShared } from "../compile-context.ts";
import { compileCondition } from "../conditions/compile-condition.ts";
import { defaultRuleIdOf, policyIdOf, ruleIdOf } from "../ids.ts";
import { parsePath } from "../path.ts";
import { compileToolMatcher } from "../tool-matcher.ts";
import { ruleContext } from "./check-context.ts";
import type { PlacedLeaf, PlacedRule, PlacedSource } from "./condition-walk.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";
import { prepareExpressions } from "./prepare-expressions.ts";

/** Conditions are compiled one by one, to find what is wrong with each; with more than this the first fault must do. */
const LEAF_COUNT_MAX = 100_000;

/** The policies with the trees of their expressions; expressions that are wrong are reported. */
export function checkExpressions(policies: readonly Policy[], findings: Findings): readonly Policy[] {
  const prepared = prepareExpressions(policies);
  for (const { keys, message, line, column } of prepared.issues) {
    const [policyIndex, ...inside] = keys;
    const policy = typeof policyIndex === "number" ? prepared.policies[policyIndex] : undefined;
    if (typeof policyIndex !== "number" || policy === undefined) continue;
    const rule = inside[0] === "rules" ? policy.rules[Number(inside[1])] : undefined;
    const place = { policyIndex, policy, rule, keys: inside };
    const where = `line ${line}, column ${column}: `;
    findings.error(place, "HB_POLICY_EXPR_INVALID", {
      message: `${where}${message}`,
      fix: "correct the expression there",
    });
  }
  return prepared.policies;
}

/** Reports everything that `compile` would refuse. */
export function checkCompiles(
  policies: readonly Policy[],
  { rules, sources }: { readonly rules: readonly PlacedRule[]; readonly sources: readonly PlacedSource[] },
  findings: Findings,
): void {
  checkIds(policies, findings);
  let leafCount = 0;
  for (const placed of rules) {
    leafCount += placed.leaves.length;
    if (leafCount <= LEAF_COUNT_MAX) checkRule(placed, findings);
  }
  for (const placed of sources) checkSource(placed, findings);
  checkWhole(policies, rules, findings);
}

function checkIds(policies: readonly Policy[], findings: Findings): void {
  const policyIds = new Set<string>();
  const fix = "give each its own `id` or name";
  for (const [policyIndex, policy] of policies.entries()) {
    const policyId = policyIdOf(policy);
    if (policyIds.has(policyId)) {
      const message = `another policy has the id \`${policyId}\``;
      findings.error({ policyIndex, policy, keys: ["id"] }, "HB_POLICY_DUPLICATE_ID", { message, fix });
    }
    policyIds.add(policyId);
    const ruleIds = new Set<string>([defaultRuleIdOf(policyId)]);
    for (const [at, rule] of policy.rules.entries()) {
      const ruleId = ruleIdOf(rule, policyId);
      if (ruleIds.has(ruleId)) {
        const message = `another rule of the policy has the id \`${ruleId}\``;
        findings.error({ policyIndex, policy, rule, keys: ["rules", at, "id"] }, "HB_POLICY_DUPLICATE_ID", {
          message,
          fix,
        });
      }
      ruleIds.add(ruleId);
    }
  }
}

function checkRule({ policyIndex, policy, rule, keys, leaves }: PlacedRule, findings: Findings): void {
  const place = { policyIndex, policy, rule, keys };
  attempt(findings, { ...place, keys: [...keys, "tool", "name"] }, () => compileToolMatcher(rule.tool));
  for (const leaf of leaves) {
    checkLeaf(leaf, { place, context: () => ruleContext(policy, rule) }, findings);
  }
  const { when } = rule;
  if (when !== undefined && !findings.hasError(policyIndex, rule)) {
    attempt(findings, { ...place, keys: [...keys, "when"] }, () => compileCondition(when, ruleContext(policy, rule)));
  }
  if (rule.effect.type !== "redact") return;
  for (const [at, { paths = [] }] of rule.effect.redact.entries()) {
    for (const [number, path] of paths.entries()) {
      const wrong = parsePath(path);
      if (typeof wrong !== "string") continue;
      const where = [...keys, "effect", "redact", at, "paths", number];
      const says = { message: `\`${path}\`: ${wrong}`, fix: "write `a.b`, `items[].price` or `**`" };
      findings.error({ ...place, keys: where }, "HB_POLICY_PATH_INVALID", says);
    }
  }
}

interface LeafPlace {
  readonly place: FindingPlace;
  readonly context: () => CompileContext;
}

function checkLeaf({ leaf, keys }: PlacedLeaf, { place, context }: LeafPlace, findings: Findings): void {
  // An expression without its tree has been reported.
  if (leaf.kind === "expr" && leaf.tree === undefined) return;
  attempt(findings, { ...place, keys }, () => compileCondition(leaf, context()));
}

function checkSource({ policyIndex, policy, source, keys, leaves }: PlacedSource, findings: Findings): void {
  const place = { policyIndex, policy, keys };
  attempt(findings, { ...place, keys: [...keys, "tool", "name"] }, () => compileToolMatcher(source.tool));
  for (const [at, field] of (source.fields ?? []).entries()) {
    const wrong = field === "freeText" ? undefined : parsePath(field);
    if (typeof wrong !== "string") continue;
    const says = { message: `\`${field}\`: ${wrong}`, fix: "write `a.b`, `items[].price`, `**` or `freeText`" };
    findings.error({ ...place, keys: [...keys, "fields", at] }, "HB_POLICY_PATH_INVALID", says);
  }
  const declared = policy.flow?.labels;
  for (const [at, label] of (source.add ?? []).entries()) {
    if (declared === undefined || declared.includes(label)) continue;
    const message = `label \`${label}\` is not among the policy's \`flow.labels\``;
    const says = { message, fix: "correct its spelling or add it there" };
    findings.error({ ...place, keys: [...keys, "add", at] }, "HB_POLICY_LABEL_UNKNOWN", says);
  }
  const owner = {
    policyIndex,
    policyId: policyIdOf(policy),
    ruleId: "",
    phases: ["tool.after"],
    tool: compileToolMatcher(undefined),
    exact: false,
    tightens: true,
    declaredLabels: declared,
  } as const;
  for (const leaf of leaves)
    checkLeaf(leaf, { place, context: () => new CompileContext(new CompileShared(), owner, "") }, findings);
}

/** What is wrong with the whole, or was not found in its parts: sizes, depths, labels of all policies together. */
function checkWhole(policies: readonly Policy[], rules: readonly PlacedRule[], findings: Findings): void {
  const hasError =
    policies.some((_, index) => findings.hasError(index, undefined)) ||
    rules.some(({ policyIndex, rule }) => findings.hasError(policyIndex, rule));
  if (hasError) return;
  try {
    compile(policies);
  } catch (error) {
    if (!HandlebarError.is(error)) throw error;
    const keys = keysOf(error.field ?? "");
    const policyIndex = keys[0] === "policies" && typeof keys[1] === "number" ? keys[1] : 0;
    const policy = policies[policyIndex];
    if (policy === undefined) return;
    const inside = keys.slice(2);
    const rule = inside[0] === "rules" ? policy.rules[Number(inside[1])] : undefined;
    findings.error({ policyIndex, policy, rule, keys: inside }, error.code, saysOf(error));
  }
}

function attempt(findings: Findings, place: FindingPlace, make: () => unknown): void {
  try {
    make();
  } catch (error) {
    if (HandlebarError.is(error)) {
      const keys = [...place.keys, ...keysOf(error.field ?? "")];
      findings.error({ ...place, keys }, error.code, saysOf(error));
    } else {
      const { message, fix } = splitFix(error instanceof Error ? error.message : String(error));
      findings.error(place, "HB_POLICY_LIMIT", { message, fix });
    }
  }
}

/** `policies[0].rules[2]` as `["policies", 0, "rules", 2]`. */
function keysOf(field: string): readonly PropertyKey[] {
  return (field.match(/[^.[\]]+/g) ?? []).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

function saysOf(error: HandlebarError): { readonly message: string; readonly fix: string } {
  const plain = error.message.replace(`${error.code}: `, "");
  return splitFix(plain.replace(/^\S* \(policy `[^`]*`, rule `[^`]*`\): /, ""));
}

function splitFix(text: string): { readonly message: string; readonly fix: string } {
  const at = text.lastIndexOf("; ");
  return at === -1 ? { message: text, fix: "correct it" } : { message: text.slice(0, at), fix: text.slice(at + 2) };
}
