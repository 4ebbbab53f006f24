import { UNKNOWN, type Unknown } from "../facts.ts";
import type { Path, PathStep } from "../path.ts";
import { ownValue, readChild } from "../path-read.ts";

/** Whether a path names at most one place. */
export function isSinglePath(path: Path): boolean {
  return path.every((step) => step.kind === "key" || step.kind === "index");
}

/**
 * The value at a path that names one place: `undefined` when there is none (`null` is none), `UNKNOWN` when a step met a
 * value of the wrong kind. Says what `readPath` says, without its lists.
 */
export function readSingle(start: unknown, path: Path): unknown {
  let value = start;
  for (const step of path) {
    const child = childAt(value, step);
    if (child === undefined || child === UNKNOWN) return child;
    value = child;
  }
  return value ?? undefined;
}

function childAt(container: unknown, step: PathStep): unknown {
  if (typeof container === "object" && container !== null && step.kind === "key" && !Array.isArray(container)) {
    return Object.hasOwn(container, step.name) ? (ownValue(container, step.name) ?? undefined) : undefined;
  }
  const { key, mistyped } = readChild(container, step);
  if (mistyped) return UNKNOWN satisfies Unknown;
  if (key === undefined || typeof container !== "object" || container === null) return undefined;
  return ownValue(container, key) ?? undefined;
}
