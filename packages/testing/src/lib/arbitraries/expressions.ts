import type { Facts } from "@handlebar/engine";

type Meaning = (facts: Facts) => boolean | undefined;

function argOf(facts: Facts, name: string): unknown {
  const args = facts.call?.args;
  if (typeof args !== "object" || args === null || Array.isArray(args)) return undefined;
  return Object.entries(args).find(([key]) => key === name)?.[1];
}

/** Expressions with what each comes to, told without CEL; `undefined` is an error: not known. */
export const EXPRESSIONS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["true", () => true],
  ["args.amount > 5", (facts) => compare(argOf(facts, "amount"))],
  ["has(args.to) && args.to == 'alpha'", (facts) => isAlpha(facts)],
  ["phase == 'tool.before'", (facts) => facts.phase === "tool.before"],
  ["tool.name.startsWith('pay')", (facts) => facts.call?.tool.name.startsWith("pay")],
  ["agent.slug in ['support', 'other']", (facts) => facts.agent.slug === "support"],
  ["size(agent.tags) > 1", (facts) => facts.agent.tags.length > 1],
]);

function compare(amount: unknown): boolean | undefined {
  return typeof amount === "number" ? amount > 5 : undefined;
}

function isAlpha(facts: Facts): boolean | undefined {
  const args = facts.call?.args;
  if (typeof args !== "object" || args === null || Array.isArray(args)) return undefined;
  const to = argOf(facts, "to");
  return to !== undefined && to === "alpha";
}
