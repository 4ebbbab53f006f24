import type { Policy } from "@handlebar/protocol";
import type { PlacedRule, PlacedSource } from "./condition-walk.ts";
import { nameFix } from "./known-names.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";
import type { KnownTool } from "./tool-check.ts";

const PRIVATE_TAGS = ["private", "pii", "confidential", "classification:confidential", "classification:restricted"];
const UNTRUSTED_TAGS = ["untrusted"];
const SINK_TAGS = ["external", "sink"];

/** Reports labels that are tested and never added, and such that are added and never tested. */
export function checkLabels(
  policies: readonly Policy[],
  { rules, sources }: { readonly rules: readonly PlacedRule[]; readonly sources: readonly PlacedSource[] },
  findings: Findings,
): void {
  const added = new Set(sources.flatMap(({ source }) => source.add ?? []));
  const tested = new Set<string>();
  const expressions: string[] = [];
  for (const { leaves, ...place } of [...rules, ...sources]) {
    for (const { leaf, keys } of leaves) {
      if (leaf.kind === "expr") expressions.push(leaf.src);
      if (leaf.kind !== "label") continue;
      for (const part of ["allOf", "anyOf", "noneOf"] as const) {
        for (const [at, label] of (leaf[part] ?? []).entries()) {
          tested.add(label);
          if (added.has(label)) continue;
          findings.warn({ ...place, keys: [...keys, part, at] }, "HB_POLICY_LABEL_WITHOUT_SOURCE", {
            message: `nothing adds the label \`${label}\``,
            fix: nameFix(label, [...added], "add a source to `flow.sources`"),
          });
        }
      }
    }
  }
  for (const { source, keys, ...place } of sources) {
    for (const [at, label] of (source.add ?? []).entries()) {
      if (tested.has(label) || expressions.some((src) => src.includes(label))) continue;
      findings.warn({ ...place, keys: [...keys, "add", at] }, "HB_POLICY_LABEL_UNTESTED", {
        message: `no rule tests the label \`${label}\``,
        fix: nameFix(label, [...tested], "add a rule with a `label` condition, or remove the label"),
      });
    }
  }
  checkDeclared(policies, { added, tested }, findings);
}

function checkDeclared(
  policies: readonly Policy[],
  { added, tested }: { readonly added: ReadonlySet<string>; readonly tested: ReadonlySet<string> },
  findings: Findings,
): void {
  for (const [policyIndex, policy] of policies.entries()) {
    for (const [at, label] of (policy.flow?.labels ?? []).entries()) {
      if (added.has(label) || tested.has(label)) continue;
      const place: FindingPlace = { policyIndex, policy, keys: ["flow", "labels", at] };
      const message = `the label \`${label}\` is declared and never used`;
      findings.warn(place, "HB_POLICY_LABEL_UNTESTED", { message, fix: "remove it, or use it" });
    }
  }
}

/** Reports that private data, untrusted content and a way out are all there, and no rule looks at where data goes. */
export function checkFlowGuard(rules: readonly PlacedRule[], tools: readonly KnownTool[], findings: Findings): void {
  const [first] = rules;
  if (first === undefined) return;
  const isGuarded = rules.some(({ leaves }) =>
    leaves.some(({ leaf }) => leaf.kind === "label" || leaf.kind === "argFrom" || leaf.kind === "expr"),
  );
  const having = (tags: readonly string[]): string | undefined =>
    tools.find(({ facts }) => facts.tags.some((tag) => tags.includes(tag)))?.facts.name;
  const secret = having(PRIVATE_TAGS);
  const untrusted = having(UNTRUSTED_TAGS);
  const sink = having(SINK_TAGS);
  if (isGuarded || secret === undefined || untrusted === undefined || sink === undefined) return;
  const { policyIndex, policy } = first;
  findings.warn({ policyIndex, policy, keys: [] }, "HB_POLICY_FLOW_UNGUARDED", {
    message: `\`${secret}\` reads private data, \`${untrusted}\` untrusted content and \`${sink}\` lets data out, and no rule looks at labels or origins`,
    fix: "describe the sources in `flow.sources`, and block or hold the way out by a `label` or `argFrom` condition",
  });
}
