/** One deny rule: calls of the tools it selects are refused when their amount is above `above`. */
export interface DenyRule {
  readonly name: string;
  readonly select: "name" | "prefix" | "tag";
  readonly selected: string;
  readonly above: number;
}

export interface Request {
  readonly tool: string;
  /** The tool's family: what stands before the first `.` of its name. */
  readonly family: string;
  readonly tag: string;
  readonly amount: number;
}

/**
 * As many rules as asked for: seven of ten select one tool by name, two a family of tools (`files.*`), one by tag. One matches any
 * request, so that what grows with the count is what does not match.
 */
export function makeRules(count: number): readonly DenyRule[] {
  return Array.from({ length: count }, (_, index): DenyRule => {
    const above = 1000 + index;
    const name = `rule_${index}`;
    if (index % 10 === 9) return { name, select: "tag", selected: `tag_${index}`, above };
    if (index % 10 >= 7) return { name, select: "prefix", selected: `family_${index}`, above };
    return { name, select: "name", selected: `tool_${index}.call`, above };
  });
}

/** Requests that meet one rule each, spread over the rules, allowed and denied, and one that meets none. */
export function makeRequests(rules: readonly DenyRule[]): readonly Request[] {
  const chosen = [0, 1, Math.floor(rules.length / 2), rules.length - 3, rules.length - 1];
  const met = [...new Set(chosen)].flatMap((index) => {
    const rule = rules[index];
    return rule === undefined ? [] : [1, 100_000].map((amount) => requestFor(rule, amount));
  });
  return [...met, { tool: "other.call", family: "other", tag: "none", amount: 5 }];
}

function requestFor({ select, selected }: DenyRule, amount: number): Request {
  if (select === "name") return { tool: selected, family: selected.replace(".call", ""), tag: "none", amount };
  if (select === "prefix") return { tool: `${selected}.read`, family: selected, tag: "none", amount };
  return { tool: "tagged.call", family: "tagged", tag: selected, amount };
}

/** What every engine must answer: true is allowed. */
export function expected(rules: readonly DenyRule[], { tool, family, tag, amount }: Request): boolean {
  const value = { name: tool, prefix: family, tag };
  return !rules.some((rule) => value[rule.select] === rule.selected && amount > rule.above);
}

/** An engine made ready for the rules. */
export type Decide = (request: Request) => boolean | Promise<boolean>;
export type MakeEngine = (rules: readonly DenyRule[]) => Decide | Promise<Decide>;
