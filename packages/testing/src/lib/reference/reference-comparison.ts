import type { Comparison, OnMissing, TextComparison, ToolSelector } from "@handlebar/protocol";
import { anyOf, negated, type ReferenceOutcome, UNKNOWN_REASON } from "./reference-outcome.ts";

/** What an absent value makes of a condition. */
export function ifMissing(onMissing: OnMissing | undefined): ReferenceOutcome {
  if (onMissing === "match") return true;
  return onMissing === "unknown" ? UNKNOWN_REASON : false;
}

/** Compares a value that is there. */
export function compare(comparison: Comparison, value: unknown): ReferenceOutcome {
  switch (comparison.type) {
    case "any":
      return comparison.op === "exists";
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? compareNumber(comparison, value) : UNKNOWN_REASON;
    case "boolean":
      return typeof value === "boolean" ? (value === comparison.value) === (comparison.op === "eq") : UNKNOWN_REASON;
    case "array":
      return Array.isArray(value) ? compareList(comparison, value) : UNKNOWN_REASON;
    case "string":
      return typeof value === "string" ? compareText(comparison, value) : UNKNOWN_REASON;
  }
}

/** Compares texts of which one suffices; none is absent. */
export function compareTexts(
  comparison: TextComparison & { readonly onMissing?: OnMissing | undefined },
  values: readonly unknown[],
): ReferenceOutcome {
  const there = values.filter((value) => value !== undefined && value !== null);
  if (comparison.op === "exists") return there.length > 0;
  if (comparison.op === "absent") return there.length === 0;
  if (there.length === 0) return ifMissing(comparison.onMissing);
  const typed = { ...comparison, type: "string" } as Comparison;
  return anyOf(there.map((value) => compare(typed, value)));
}

function compareNumber(comparison: Extract<Comparison, { readonly type: "number" }>, value: number): boolean {
  switch (comparison.op) {
    case "in":
      return comparison.value.includes(value);
    case "notIn":
      return !comparison.value.includes(value);
    case "eq":
      return value === comparison.value;
    case "neq":
      return value !== comparison.value;
    default:
      return compareOrder(comparison.op, value, comparison.value);
  }
}

export function compareOrder(op: "gt" | "gte" | "lt" | "lte", value: number, limit: number): boolean {
  if (op === "gt") return value > limit;
  if (op === "gte") return value >= limit;
  return op === "lt" ? value < limit : value <= limit;
}

function compareList(
  comparison: Extract<Comparison, { readonly type: "array" }>,
  list: readonly unknown[],
): ReferenceOutcome {
  if (comparison.op === "longerThan") return list.length > comparison.value;
  if (comparison.op === "shorterThan") return list.length < comparison.value;
  const wanted = comparison.value;
  const elements = list.filter((element) => element !== null && element !== undefined);
  const held = anyOf(
    elements.map((element) => (typeof element === typeof wanted ? element === wanted : UNKNOWN_REASON)),
  );
  return comparison.op === "contains" ? held : negated(held);
}

function compareText(comparison: Extract<Comparison, { readonly type: "string" }>, given: string): boolean {
  if (comparison.op === "longerThan") return given.length > comparison.value;
  if (comparison.op === "shorterThan") return given.length < comparison.value;
  const ignoresCase = "ignoreCase" in comparison && comparison.ignoreCase === true;
  const fold = (text: string): string => (ignoresCase ? text.toLowerCase() : text);
  const text = fold(given);
  switch (comparison.op) {
    case "in":
      return comparison.value.some((one) => fold(one) === text);
    case "notIn":
      return !comparison.value.some((one) => fold(one) === text);
    case "glob":
      return [comparison.value].flat().some((glob) => matchesGlob(fold(glob), text));
    case "matches":
      // Right for patterns that mean the same to RE2 and to the host.
      return new RegExp(comparison.value, ignoresCase ? "iu" : "u").test(given);
    case "eq":
      return text === fold(comparison.value);
    case "neq":
      return text !== fold(comparison.value);
    case "contains":
      return text.includes(fold(comparison.value));
    case "notContains":
      return !text.includes(fold(comparison.value));
    case "startsWith":
      return text.startsWith(fold(comparison.value));
    case "endsWith":
      return text.endsWith(fold(comparison.value));
  }
}

/** By trying every way in which `*` can be filled. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = [...glob];
  const characters = [...text];
  const from = (at: number, place: number): boolean => {
    if (at === pattern.length) return place === characters.length;
    if (pattern[at] === "*") return from(at + 1, place) || (place < characters.length && from(at, place + 1));
    const fits = place < characters.length && (pattern[at] === "?" || pattern[at] === characters[place]);
    return fits && from(at + 1, place + 1);
  };
  return from(0, 0);
}

export function selects(
  selector: ToolSelector | undefined,
  tool: { readonly name: string; readonly tags: readonly string[] },
): boolean {
  const { name, tagsAny, tagsAll } = selector ?? {};
  if (name !== undefined && ![name].flat().some((glob) => matchesGlob(glob, tool.name))) return false;
  if (tagsAny !== undefined && !tagsAny.some((tag) => tool.tags.includes(tag))) return false;
  return tagsAll === undefined || tagsAll.every((tag) => tool.tags.includes(tag));
}

export function selectsEveryTool(selector: ToolSelector | undefined): boolean {
  return Object.values(selector ?? {}).every((part) => part === undefined);
}
