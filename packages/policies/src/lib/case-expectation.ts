import type { CaseExpectation, CaseOutcome, Decision, ShadowDecision } from "@handlebar/protocol";
import type { CasePayload } from "./case-payload.ts";

/** What a step came to in one phase. */
export interface Observation {
  readonly decision: Decision;
  /** Names of the rule that decided, where there is one: its id and its name. */
  readonly ruleNames: readonly string[];
  /** What goes on after redaction. */
  readonly payload: CasePayload;
  /** Labels of the run from then on. */
  readonly labels: readonly string[];
}

/** What was expected and is not so, one line each; without an expectation, that the call is not let through. */
export function unmetExpectations(expected: CaseExpectation | undefined, seen: Observation): readonly string[] {
  const outcome = outcomeOf(seen.decision);
  if (expected === undefined) {
    const isThrough = outcome === "ALLOW" || outcome === "REDACT";
    return isThrough ? [] : [`expected the call to be let through, got ${describe(outcome, seen)}`];
  }
  if (typeof expected === "string")
    return outcome === expected ? [] : [`expected ${expected}, got ${describe(outcome, seen)}`];
  return [...unmetVerdict(expected, outcome, seen), ...unmetDetails(expected, seen), ...unmetPayload(expected, seen)];
}

type ExpectedFields = Exclude<CaseExpectation, string>;

function unmetVerdict(expected: ExpectedFields, outcome: CaseOutcome, seen: Observation): readonly string[] {
  const { verdict, shadow } = expected;
  const unmet: string[] = [];
  if (verdict !== undefined && verdict !== outcome) unmet.push(`expected ${verdict}, got ${describe(outcome, seen)}`);
  const shadowOutcome = seen.decision.shadow === undefined ? outcome : outcomeOf(seen.decision.shadow);
  if (shadow !== undefined && shadow !== shadowOutcome) {
    unmet.push(`expected ${shadow} if shadow rules were enforced, got ${shadowOutcome}`);
  }
  return unmet;
}

function unmetDetails(expected: ExpectedFields, seen: Observation): readonly string[] {
  const { control, cause, rule, message } = expected;
  const { decision, ruleNames } = seen;
  const unmet: string[] = [];
  if (control !== undefined && control !== decision.control) {
    unmet.push(`expected control ${control}, got ${decision.control}`);
  }
  if (cause !== undefined && cause !== decision.cause.kind) {
    unmet.push(`expected cause ${cause}, got ${decision.cause.kind}`);
  }
  if (rule !== undefined && !ruleNames.includes(rule)) {
    unmet.push(
      `expected rule \`${rule}\` to decide, and ${ruleNames.length === 0 ? "no rule did" : `it was ${byRule(seen)}`}`,
    );
  }
  if (message !== undefined && !decision.message.includes(message)) {
    unmet.push(`expected a message that contains \`${message}\`, got \`${decision.message}\``);
  }
  return unmet;
}

function unmetPayload(expected: ExpectedFields, seen: Observation): readonly string[] {
  const unmet: string[] = [];
  for (const field of ["args", "result", "messages", "response"] as const) {
    const wanted = expected[field];
    if (wanted === undefined || isSame(wanted, seen.payload[field])) continue;
    unmet.push(`expected ${field} ${JSON.stringify(wanted)}, got ${JSON.stringify(seen.payload[field]) ?? "none"}`);
  }
  const labels = expected.labels === undefined ? undefined : [...expected.labels].sort();
  if (labels !== undefined && !isSame(labels, [...seen.labels].sort())) {
    unmet.push(`expected labels [${labels.join(", ")}], got [${[...seen.labels].sort().join(", ")}]`);
  }
  return unmet;
}

/** What became of the call. */
function outcomeOf(decision: Decision | ShadowDecision): CaseOutcome {
  if (decision.verdict === "BLOCK") return decision.cause.kind === "HITL_PENDING" ? "HITL" : "BLOCK";
  const redacts =
    "redacts" in decision ? decision.redacts === true : "redactions" in decision && decision.redactions !== undefined;
  return redacts ? "REDACT" : "ALLOW";
}

function describe(outcome: CaseOutcome, seen: Observation): string {
  const { cause } = seen.decision;
  if (seen.ruleNames.length > 0) return `${outcome} by rule ${byRule(seen)}`;
  return outcome === "ALLOW" ? "ALLOW: no rule matched" : `${outcome} (${cause.kind})`;
}

function byRule(seen: Observation): string {
  return `\`${seen.ruleNames.at(-1) ?? ""}\``;
}

/** Equal as JSON, whatever the order of fields. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a).filter((key) => Reflect.get(a, key) !== undefined);
  const others = Object.keys(b).filter((key) => Reflect.get(b, key) !== undefined);
  if (keys.length !== others.length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSame(Reflect.get(a, key), Reflect.get(b, key)));
}
