import type { HandlebarErrorCode, Policy, Rule } from "@handlebar/protocol";
import { policyIdOf, ruleIdOf } from "../ids.ts";

/** One thing that is wrong with a policy, or that its author surely did not mean. */
export interface PolicyFinding {
  /** A policy with an error is refused; a warning asks its author to look again. */
  readonly severity: "error" | "warning";
  readonly code: HandlebarErrorCode;
  readonly policyId: string;
  /** Absent when it is about the policy itself. */
  readonly ruleId?: string | undefined;
  /** Where, from the policy: `["rules", 0, "when", "all", 1, "path"]`. Empty for the policy itself. */
  readonly keys: readonly PropertyKey[];
  /** What is wrong, lower case, no final period. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
}

/** Where a finding is. */
export interface FindingPlace {
  readonly policyIndex: number;
  readonly policy: Policy;
  readonly rule?: Rule | undefined;
  readonly keys: readonly PropertyKey[];
}

/** What is found, by and by. */
export class Findings {
  readonly #found: { readonly policyIndex: number; readonly finding: PolicyFinding }[] = [];
  /** Rules with an error, and the places of policies that have one beside their rules. */
  readonly #withErrors = new Set<Rule | number>();

  readonly #toldOf = new Map<Rule, Set<HandlebarErrorCode>>();

  error(place: FindingPlace, code: HandlebarErrorCode, says: { readonly message: string; readonly fix: string }): void {
    this.#withErrors.add(place.rule ?? place.policyIndex);
    this.#add("error", place, { code, ...says });
  }

  warn(place: FindingPlace, code: HandlebarErrorCode, says: { readonly message: string; readonly fix: string }): void {
    this.#add("warning", place, { code, ...says });
  }

  /** Whether a rule, or the rest of a policy, has an error. */
  hasError(policyIndex: number, rule: Rule | undefined): boolean {
    return this.#withErrors.has(rule ?? policyIndex);
  }

  /** Whether something was said of a rule. */
  isTold(rule: Rule, code: HandlebarErrorCode): boolean {
    return this.#toldOf.get(rule)?.has(code) === true;
  }

  get count(): number {
    return this.#found.length;
  }

  /** Policy by policy, errors first, then in the order of the policy. */
  sorted(): readonly PolicyFinding[] {
    const rank = (severity: PolicyFinding["severity"]): number => (severity === "error" ? 0 : 1);
    return [...this.#found]
      .sort(
        (a, b) =>
          a.policyIndex - b.policyIndex ||
          rank(a.finding.severity) - rank(b.finding.severity) ||
          compareKeys(a.finding.keys, b.finding.keys),
      )
      .map(({ finding }) => finding);
  }

  #add(
    severity: PolicyFinding["severity"],
    { policyIndex, policy, rule, keys }: FindingPlace,
    says: Pick<PolicyFinding, "code" | "message" | "fix">,
  ): void {
    const policyId = policyIdOf(policy);
    const ruleId = rule === undefined ? undefined : ruleIdOf(rule, policyId);
    const finding = { severity, ...says, policyId, ...(ruleId === undefined ? {} : { ruleId }), keys };
    this.#found.push({ policyIndex, finding });
    if (rule !== undefined) this.#toldOf.set(rule, (this.#toldOf.get(rule) ?? new Set()).add(says.code));
  }
}

function compareKeys(a: readonly PropertyKey[], b: readonly PropertyKey[]): number {
  for (const [at, key] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    if (key === other) continue;
    if (typeof key === "number" && typeof other === "number") return key - other;
    return String(key) < String(other) ? -1 : 1;
  }
  return a.length - b.length;
}
