import { globCovers, globsDisjoint, isLiteralGlob } from "../../glob.ts";
import { GLOB_LENGTH_MAX } from "../../limits.ts";
import { foldCase } from "../../text-case.ts";
import { lengthsOf, suits, type ValueLiteral } from "./value-literal.ts";
import type { WorkBudget } from "./work-budget.ts";

/** Texts that are tried one by one. */
const TRIED_COUNT_MAX = 4_096;

/** Whether some text, whole, too long or cut off, is as all literals ask. */
export function canTextHold(literals: readonly ValueLiteral[], isExact: boolean, budget: WorkBudget): boolean {
  if (isExact) return canWholeTextHold(literals, budget);
  const strict = literals.filter(({ isStrict }) => isStrict);
  // Too long a text to compare: only its length is known.
  if (strict.every((literal) => isAboutLength(literal))) return true;
  const isDecidedWhenCut = strict.every(({ atom, isPositive }) => {
    const holds = atom.question.test?.holdsWhenCut ?? "none";
    return holds === "both" || holds === (isPositive ? "true" : "false");
  });
  if (isDecidedWhenCut && canWholeTextHold(strict, budget)) return true;
  // A regular expression may give up on a text that others compare.
  const whole = literals.filter(({ atom, isStrict }) => isStrict || atom.question.op !== "matches");
  return canWholeTextHold(whole, budget);
}

/** Unknown is no answer about a whole text: what lets it be unknown must hold as well. */
function canWholeTextHold(literals: readonly ValueLiteral[], budget: WorkBudget): boolean {
  const { cased, folded } = byCase(literals.map((literal) => ({ ...literal, isStrict: true })));
  const named = textsNamed(cased);
  if (!budget.spend(costOfTrying(named, literals))) return true;
  if (named !== undefined) return named.some((text) => suits([...cased, ...folded], text));
  const comparable = folded.filter(({ atom }) => atom.question.op !== "matches");
  const namedFolded = textsNamed(comparable);
  if (!budget.spend(costOfTrying(namedFolded, comparable))) return true;
  if (namedFolded?.some((text) => foldCase(text) !== text || suits(comparable, text)) === false) return false;
  return canPatternsHold(cased, budget) && canPatternsHold(comparable, budget);
}

/** Characters of all texts, times the steps that each may take. */
function costOfTrying(texts: readonly string[] | undefined, literals: readonly ValueLiteral[]): number {
  const steps = literals.reduce(
    (count, { atom }) => count + (atom.question.op === "matches" ? sizeOf(operandsOf(atom.question)) : 1),
    1,
  );
  return sizeOf(texts ?? []) * steps + literals.length;
}

function byCase(literals: readonly ValueLiteral[]): {
  readonly cased: readonly ValueLiteral[];
  readonly folded: readonly ValueLiteral[];
} {
  const isFolded = ({ atom }: ValueLiteral): boolean => atom.question.ignoreCase;
  return { cased: literals.filter((literal) => !isFolded(literal)), folded: literals.filter(isFolded) };
}

function isAboutLength({ atom }: ValueLiteral): boolean {
  return atom.question.op === "longerThan" || atom.question.op === "shorterThan";
}

/** The few texts of which the value must be one; `undefined` when no literal names them. */
function textsNamed(literals: readonly ValueLiteral[]): readonly string[] | undefined {
  let fewest: readonly string[] | undefined;
  for (const literal of literals) {
    const texts = textsOf(literal);
    if (texts === undefined || texts.length > TRIED_COUNT_MAX) continue;
    if (fewest === undefined || texts.length < fewest.length) fewest = texts;
  }
  return fewest;
}

function textsOf({ atom, isPositive }: ValueLiteral): readonly string[] | undefined {
  const { op } = atom.question;
  const operands = operandsOf(atom.question);
  if (isPositive ? op === "eq" || op === "in" : op === "neq" || op === "notIn") return operands;
  return isPositive && op === "glob" && operands.every(isLiteralGlob) ? operands : undefined;
}

function operandsOf({ operand, ignoreCase }: ValueLiteral["atom"]["question"]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const texts = list.filter((one) => typeof one === "string");
  return ignoreCase ? texts.map(foldCase) : texts;
}

/** Whether patterns that the text must match, and must not match, leave room for one. */
function canPatternsHold(literals: readonly ValueLiteral[], budget: WorkBudget): boolean {
  const wanted: (readonly string[])[] = [];
  const unwanted: string[] = [];
  for (const literal of literals) {
    const patterns = patternsOf(literal);
    if (patterns === undefined) continue;
    if (patterns.isWanted) wanted.push(patterns.globs);
    else unwanted.push(...patterns.globs);
  }
  for (const [at, globs] of wanted.entries()) {
    if (isCovered(globs, unwanted, budget)) return false;
    if (wanted.slice(at + 1).some((others) => areDisjoint(globs, others, budget))) return false;
  }
  if (isCovered(["*"], unwanted, budget)) return false;
  const { lengthMin, lengthMax } = lengthsOf(literals);
  return Math.max(lengthMin, ...wanted.map((globs) => Math.min(...globs.map(shortestMatch)))) <= lengthMax;
}

interface Patterns {
  /** The text matches one of them; else none. */
  readonly isWanted: boolean;
  readonly globs: readonly string[];
}

/** What a literal says in globs; `undefined` when it cannot be said, or not all of it. */
function patternsOf({ atom, isPositive }: ValueLiteral): Patterns | undefined {
  const { op } = atom.question;
  const operands = operandsOf(atom.question);
  if (op === "glob") return { isWanted: isPositive, globs: operands };
  const isPlain = operands.every(
    (text) => isLiteralGlob(text) && !/\p{Surrogate}/u.test(text) && text.length <= GLOB_LENGTH_MAX - 2,
  );
  if (!isPlain) return undefined;
  switch (op) {
    case "eq":
    case "in":
      return { isWanted: isPositive, globs: operands };
    case "neq":
    case "notIn":
      return { isWanted: !isPositive, globs: operands };
    case "contains":
      return { isWanted: isPositive, globs: operands.map((text) => `*${text}*`) };
    case "notContains":
      return { isWanted: !isPositive, globs: operands.map((text) => `*${text}*`) };
    case "startsWith":
      return { isWanted: isPositive, globs: operands.map((text) => `${text}*`) };
    case "endsWith":
      return { isWanted: isPositive, globs: operands.map((text) => `*${text}`) };
    default:
      return undefined;
  }
}

/** Whether everything that one of `globs` matches is matched by one of `wide`. */
function isCovered(globs: readonly string[], wide: readonly string[], budget: WorkBudget): boolean {
  if (!budget.spend(sizeOf(globs) * sizeOf(wide))) return false;
  return globs.every((glob) => wide.some((other) => globCovers(other, glob)));
}

function areDisjoint(left: readonly string[], right: readonly string[], budget: WorkBudget): boolean {
  if (!budget.spend(sizeOf(left) * sizeOf(right))) return false;
  return left.every((glob) => right.every((other) => globsDisjoint(glob, other)));
}

function sizeOf(texts: readonly string[]): number {
  return texts.reduce((size, text) => size + text.length + 1, 0);
}

/** UTF-16 code units of the shortest text that a glob matches, or fewer. */
function shortestMatch(glob: string): number {
  return glob.replaceAll("*", "").length;
}
