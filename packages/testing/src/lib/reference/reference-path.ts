import type { Comparison, OnMissing } from "@handlebar/protocol";
import { compare, ifMissing } from "./reference-comparison.ts";
import { allOf, anyOf, type ReferenceOutcome, UNKNOWN_REASON } from "./reference-outcome.ts";

/** Stands for a place that cannot be looked into: the path goes on where there is text or a number. */
export const MISTYPED = Symbol("mistyped");

/** One entry for each place that a path names: its value, `undefined` where there is none, or `MISTYPED`. */
export function placesAt(value: unknown, path: string): readonly unknown[] {
  return placesFrom(value, parse(path));
}

/** Compares what stands at a path. */
export function comparePath(
  condition: Comparison & {
    readonly path: string;
    readonly quantifier?: "any" | "all" | undefined;
    readonly onMissing?: OnMissing | undefined;
  },
  value: unknown,
): ReferenceOutcome {
  const isLeaves = condition.path.endsWith("**");
  const places = placesAt(value, condition.path).filter(
    (place) => !isLeaves || condition.type === "any" || place === MISTYPED || typeof place === condition.type,
  );
  const missing = condition.type === "any" ? condition.op === "absent" : ifMissing(condition.onMissing);
  const outcomes = places.map((place) => {
    if (place === MISTYPED) return UNKNOWN_REASON;
    return place === undefined || place === null ? missing : compare(condition, place);
  });
  if (outcomes.length === 0) return missing;
  return condition.quantifier === "all" ? allOf(outcomes) : anyOf(outcomes);
}

/** For paths without quotes: names, `[0]`, `[]`, `*` and `**`. */
function parse(path: string): readonly string[] {
  return path.match(/\*\*|\*|\[\d*\]|[^.[\]]+/g) ?? [];
}

function placesFrom(value: unknown, steps: readonly string[]): readonly unknown[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [value];
  if (step === "**") return leavesOf(value);
  if (value === undefined || value === null) return [undefined];
  if (typeof value !== "object") return [MISTYPED];
  const isList = Array.isArray(value);
  if (step === "[]" || step === "*") {
    if (step === "[]" && !isList) return [MISTYPED];
    const children: readonly unknown[] = Object.values(value);
    return children.length === 0 ? [undefined] : children.flatMap((child) => placesFrom(child, rest));
  }
  const isIndex = step.startsWith("[");
  const name = isIndex ? step.slice(1, -1) : step;
  if (isIndex ? !isList : isList && !/^\d+$/.test(name)) return [MISTYPED];
  const found = Object.entries(value).find(([key]) => key === name);
  return placesFrom(found?.[1], rest);
}

function leavesOf(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return value === undefined ? [] : [value];
  return Object.values(value).flatMap(leavesOf);
}
