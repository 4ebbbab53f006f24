import type { StringComparison } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { TEXT_LENGTH_MAX } from "../limits.ts";
import { FALSE, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import { foldCase } from "../text-case.ts";
import { compileNames } from "../tool-matcher.ts";
import type { ValueTest } from "./comparison-test.ts";

/** `undefined`: unknown. */
type TextPredicate = (text: string) => boolean | undefined;

const HOLDS_WHEN_CUT: Partial<Record<StringComparison["op"], ValueTest["holdsWhenCut"]>> = {
  contains: "true",
  startsWith: "true",
  longerThan: "true",
  notContains: "false",
  shorterThan: "false",
};

export function compileTextTest(comparison: StringComparison, context: CompileContext): ValueTest {
  const { op } = comparison;
  const holds = compileTextPredicate(comparison, context);
  const isLength = op === "longerThan" || op === "shorterThan";
  const lengthMax = isLength ? Number.POSITIVE_INFINITY : TEXT_LENGTH_MAX;
  return {
    test: (value): Outcome => {
      if (typeof value !== "string" || value.length > lengthMax) return UNKNOWN_OUTCOME;
      const held = holds(value);
      if (held === undefined) return UNKNOWN_OUTCOME;
      return held ? TRUE : FALSE;
    },
    holdsWhenCut: HOLDS_WHEN_CUT[op] ?? "none",
    leafType: "string",
    usesRegex: op === "matches",
  };
}

function compileTextPredicate(comparison: StringComparison, context: CompileContext): TextPredicate {
  switch (comparison.op) {
    case "matches":
      return compileMatches(comparison.value, comparison.ignoreCase === true, context);
    case "longerThan": {
      const length = comparison.value;
      return (text) => text.length > length;
    }
    case "shorterThan": {
      const length = comparison.value;
      return (text) => text.length < length;
    }
    case "in":
    case "notIn":
    case "glob":
      return folding(comparison, compileAmong(comparison, context));
    default:
      return folding(comparison, compileAgainst(comparison, context));
  }
}

/** Gives the predicate folded text, where the comparison asks for that; its operand was folded by `operand`. */
function folding(comparison: StringComparison, holds: TextPredicate): TextPredicate {
  return ignoresCase(comparison) ? (text) => holds(foldCase(text)) : holds;
}

function ignoresCase(comparison: StringComparison): boolean {
  return "ignoreCase" in comparison && comparison.ignoreCase === true;
}

type AmongComparison = Extract<StringComparison, { readonly op: "in" | "notIn" | "glob" }>;

function compileAmong(comparison: AmongComparison, context: CompileContext): TextPredicate {
  const given = typeof comparison.value === "string" ? [comparison.value] : comparison.value;
  const operands = ignoresCase(comparison) ? given.map(foldCase) : given;
  if (comparison.op === "glob") {
    try {
      return compileNames(operands);
    } catch (error) {
      return context.fail("HB_POLICY_LIMIT", textOf(error), "value");
    }
  }
  const values = new Set(operands);
  return comparison.op === "in" ? (text) => values.has(text) : (text) => !values.has(text);
}

type AgainstComparison = Exclude<
  Extract<StringComparison, { readonly value: string }>,
  AmongComparison | { readonly op: "matches" }
>;

function compileAgainst(comparison: AgainstComparison, context: CompileContext): TextPredicate {
  const operand = ignoresCase(comparison) ? foldCase(comparison.value) : comparison.value;
  switch (comparison.op) {
    case "eq":
      return (text) => text === operand;
    case "neq":
      return (text) => text !== operand;
    case "contains":
      return (text) => text.includes(operand);
    case "notContains":
      return (text) => !text.includes(operand);
    case "startsWith":
      return (text) => text.startsWith(operand);
    case "endsWith":
      return (text) => text.endsWith(operand);
    default:
      return context.fail(
        "HB_POLICY_INVALID",
        "unknown `op` for text; use eq, neq, contains, notContains, startsWith, endsWith, in, notIn, glob, matches, longerThan or shorterThan",
        "op",
      );
  }
}

function compileMatches(pattern: string, ignoreCase: boolean, context: CompileContext): TextPredicate {
  try {
    const regex = context.regexes.compile(pattern, { ignoreCase });
    return (text) => regex.test(text);
  } catch (error) {
    return context.fail(
      "HB_POLICY_REGEX_INVALID",
      `\`${pattern}\` is not a regular expression of RE2 syntax: ${textOf(error)}; no look-around and no back-references`,
      "value",
    );
  }
}

/** What was thrown, in words. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
