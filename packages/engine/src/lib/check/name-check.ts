import { type Agent, METRIC_NAMES, type Policy } from "@handlebar/protocol";
import { selectsAgent } from "../compiled-rule.ts";
import type { PlacedLeaf, PlacedRule, PlacedSource } from "./condition-walk.ts";
import { nameFix } from "./known-names.ts";
import type { FindingPlace, Findings } from "./policy-finding.ts";

/** What the host has registered; what is absent is not known and not checked. */
export interface RegisteredNames {
  /** The user's own metrics; those that Handlebar measures are known. */
  readonly metrics?: readonly string[] | undefined;
  readonly signals?: readonly string[] | undefined;
  readonly customs?: readonly string[] | undefined;
}

/** Reports metrics, signals and functions that nothing has registered: their conditions would be unknown, always. */
export function checkNames(
  placed: { readonly rules: readonly PlacedRule[]; readonly sources: readonly PlacedSource[] },
  names: RegisteredNames,
  findings: Findings,
): void {
  const metrics = names.metrics === undefined ? undefined : [...METRIC_NAMES, ...names.metrics];
  for (const { leaves, ...place } of [...placed.rules, ...placed.sources]) {
    for (const leaf of leaves) {
      const asked = askedName(leaf, { ...names, metrics });
      if (asked === undefined || asked.known === undefined || asked.known.includes(asked.name)) continue;
      findings.warn({ ...place, keys: [...leaf.keys, asked.key] }, "HB_POLICY_NAME_UNKNOWN", {
        message: `no ${asked.what} \`${asked.name}\` is registered`,
        fix: nameFix(asked.name, asked.known, "register it"),
      });
    }
  }
}

interface AskedName {
  readonly what: string;
  readonly key: string;
  readonly name: string;
  readonly known: readonly string[] | undefined;
}

function askedName({ leaf }: PlacedLeaf, { metrics, signals, customs }: RegisteredNames): AskedName | undefined {
  switch (leaf.kind) {
    case "metricWindow":
      return { what: "metric", key: "metric", name: leaf.metric, known: metrics };
    case "signal":
      return { what: "signal", key: "signal", name: leaf.signal, known: signals };
    case "custom":
      return { what: "custom condition", key: "name", name: leaf.name, known: customs };
    default:
      return undefined;
  }
}

/** Reports agent selectors that no registered agent fits. */
export function checkAgents(policies: readonly Policy[], agents: readonly Agent[], findings: Findings): void {
  const slugs = agents.map(({ slug }) => slug);
  const tags = [...new Set(agents.flatMap((agent) => agent.tags ?? []))];
  for (const [policyIndex, policy] of policies.entries()) {
    const { agents: selector } = policy;
    if (selector === undefined) continue;
    const place: FindingPlace = { policyIndex, policy, keys: ["agents"] };
    const before = findings.count;
    const check = (key: "anyOfSlugs" | "anyOfTags" | "allOfTags", known: readonly string[], what: string): void => {
      for (const [at, name] of (selector[key] ?? []).entries()) {
        if (known.includes(name)) continue;
        findings.warn({ ...place, keys: ["agents", key, at] }, "HB_POLICY_AGENT_UNKNOWN", {
          message: `no registered agent has the ${what} \`${name}\``,
          fix: nameFix(name, known, "register the agent"),
        });
      }
    };
    check("anyOfSlugs", slugs, "slug");
    check("anyOfTags", tags, "tag");
    check("allOfTags", tags, "tag");
    const isFitting = agents.some(({ slug, tags: own = [] }) => selectsAgent(selector, { slug, tags: own }));
    if (isFitting || findings.count > before) continue;
    const says = {
      message: "no registered agent has all that the selector asks for",
      fix: "correct its slugs or tags",
    };
    findings.warn(place, "HB_POLICY_AGENT_UNKNOWN", says);
  }
}
