import type { ToolSelector } from "@handlebar/protocol";
import type { ToolFacts } from "./facts.ts";
import { compileGlob, isLiteralGlob } from "./glob.ts";

/** A compiled tool selector. */
export interface ToolMatcher {
  /** The selector takes every tool. */
  readonly isAny: boolean;
  /** The names it can take, where it says them without wildcards. */
  readonly literals: readonly string[] | undefined;
  matches(tool: ToolFacts): boolean;
}

const ANY_TOOL: ToolMatcher = { isAny: true, literals: undefined, matches: () => true };

/**
 * Compiles a selector; an absent or empty one takes every tool.
 *
 * @throws Error when a glob is too long.
 */
export function compileToolMatcher(selector: ToolSelector | undefined): ToolMatcher {
  if (selector === undefined) return ANY_TOOL;
  const { name, tagsAny, tagsAll } = selector;
  if (name === undefined && tagsAny === undefined && tagsAll === undefined) return ANY_TOOL;
  const globs = name === undefined ? undefined : typeof name === "string" ? [name] : name;
  const matchesName = globs === undefined ? undefined : compileNames(globs);
  return {
    isAny: false,
    literals: globs?.every(isLiteralGlob) === true ? globs : undefined,
    matches(tool) {
      if (matchesName !== undefined && !matchesName(tool.name)) return false;
      if (tagsAny !== undefined && !hasAny(tool.tags, tagsAny)) return false;
      return tagsAll === undefined || hasAll(tool.tags, tagsAll);
    },
  };
}

/** Whether one of `globs` matches a text; literal ones are looked up together. */
export function compileNames(globs: readonly string[]): (text: string) => boolean {
  const [first] = globs;
  if (first !== undefined && globs.length === 1) return compileGlob(first);
  const literals = new Set(globs.filter(isLiteralGlob));
  const patterns = globs.filter((glob) => !isLiteralGlob(glob)).map(compileGlob);
  return (text) => {
    if (literals.has(text)) return true;
    for (const matches of patterns) if (matches(text)) return true;
    return false;
  };
}

export function hasAny(tags: readonly string[], wanted: readonly string[]): boolean {
  for (const tag of wanted) if (tags.includes(tag)) return true;
  return false;
}

export function hasAll(tags: readonly string[], wanted: readonly string[]): boolean {
  for (const tag of wanted) if (!tags.includes(tag)) return false;
  return true;
}
