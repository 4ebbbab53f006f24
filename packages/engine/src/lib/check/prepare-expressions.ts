import type { Condition, ExprCondition, Policy } from "@handlebar/protocol";
import { ExprSyntaxError, lowerCel } from "./cel-lower.ts";
import { checkTypes } from "./cel-types.ts";

/** One expression that cannot be used. */
export interface ExprIssue {
  /** The place of the expression's `src`, from the list of policies. */
  readonly keys: readonly PropertyKey[];
  readonly message: string;
  /** Place in the expression's text, from 0; line and column from 1. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

type Keys = readonly PropertyKey[];

/**
 * Parses and type-checks every `expr` condition and puts its syntax tree beside it, which the engine runs. Expressions that
 * are wrong are left as they are and listed. Does not change what it is given.
 */
export function prepareExpressions(policies: readonly Policy[]): {
  readonly policies: readonly Policy[];
  readonly issues: readonly ExprIssue[];
} {
  const issues: ExprIssue[] = [];
  const prepared = policies.map((policy, index): Policy => {
    const at: Keys = [index];
    const rules = policy.rules.map((rule, place) => {
      if (rule.when === undefined) return rule;
      return { ...rule, when: prepareCondition(rule.when, [...at, "rules", place, "when"], issues) };
    });
    if (policy.flow === undefined) return { ...policy, rules };
    const sources = policy.flow.sources.map((source, place) => {
      if (source.when === undefined) return source;
      return { ...source, when: prepareCondition(source.when, [...at, "flow", "sources", place, "when"], issues) };
    });
    return { ...policy, rules, flow: { ...policy.flow, sources } };
  });
  return { policies: prepared, issues };
}

function prepareCondition(condition: Condition, keys: Keys, issues: ExprIssue[]): Condition {
  switch (condition.kind) {
    case "expr":
      return prepareExpr(condition, [...keys, "src"], issues);
    case "and":
      return { ...condition, all: condition.all.map((one, at) => prepareCondition(one, [...keys, "all", at], issues)) };
    case "or":
      return { ...condition, any: condition.any.map((one, at) => prepareCondition(one, [...keys, "any", at], issues)) };
    case "not":
      return { ...condition, not: prepareCondition(condition.not, [...keys, "not"], issues) };
    default:
      return condition;
  }
}

function prepareExpr(condition: ExprCondition, keys: Keys, issues: ExprIssue[]): ExprCondition {
  try {
    const root = lowerCel(condition.src);
    const { type, problems } = checkTypes(root);
    for (const problem of problems) issues.push(issueAt(condition.src, keys, { message: problem, offset: 0 }));
    if (type !== "bool" && type !== "dyn") {
      issues.push(issueAt(condition.src, keys, { message: `comes to a ${type}, not to true or false`, offset: 0 }));
    }
    return { ...condition, tree: { version: 1, root } };
  } catch (error) {
    if (!(error instanceof ExprSyntaxError)) throw error;
    issues.push(issueAt(condition.src, keys, error));
    return condition;
  }
}

function issueAt(src: string, keys: Keys, at: { readonly message: string; readonly offset: number }): ExprIssue {
  const before = src.slice(0, at.offset);
  const line = before.split("\n").length;
  const column = at.offset - before.lastIndexOf("\n");
  return { keys, message: at.message, offset: at.offset, line, column };
}
