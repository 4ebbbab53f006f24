import { VALUE_BOUNDS, type ValueBounds } from "./limits.ts";
import { isPlainObject } from "./own-property.ts";
import { isElementName, type Path, type PathStep } from "./path.ts";

/** What stands at the places that a path names. */
export interface PathReading {
  /** In the order of the value; `null` is a value, `undefined` is none. */
  readonly values: readonly unknown[];
  /** There is no value at all: `values` is empty, and nothing hindered the reading. */
  readonly absent: boolean;
  /** Some place, such as an element without the property, has no value; one of the wrong kind is `mistyped` alone. */
  readonly missing: boolean;
  /** A step met a value of the wrong kind, such as text where the path goes on: unknown, not absent. */
  readonly mistyped: boolean;
  /** A bound was exceeded, or a getter or proxy threw, so that values may be missing: unknown. */
  readonly exceeded: boolean;
}

type Bounds = Pick<ValueBounds, "depthMax" | "nodeCountMax">;

/**
 * Reads the values at `path`. Only own properties count: `constructor` and `__proto__` are absent unless a value really
 * has them. Never throws and never runs forever, whatever `value` is; circular references are followed once.
 */
export function readPath(value: unknown, path: Path, bounds: Bounds = VALUE_BOUNDS): PathReading {
  const walk = new Walk(bounds);
  const values: unknown[] = [];
  let isMissing = false;
  try {
    isMissing = readFrom(value, { walk, path, position: 0, values });
  } catch {
    walk.exceeded = true;
  }
  const isEmpty = values.length === 0;
  return {
    values,
    absent: isEmpty && !walk.exceeded && !walk.mistyped,
    missing: isMissing && !walk.exceeded,
    mistyped: walk.mistyped,
    exceeded: walk.exceeded,
  };
}

/**
 * Calls `visit` for every leaf of `value` (itself, when it is one) in order. A leaf is what is neither a list nor an
 * object with properties; empty lists and plain objects have none. Returns whether a bound was exceeded or a getter threw,
 * so that leaves may be missing. Never throws unless `visit` does.
 */
export function walkLeaves(value: unknown, visit: (leaf: unknown) => void, bounds: Bounds = VALUE_BOUNDS): boolean {
  const walk = new Walk(bounds);
  collectLeaves(value, walk, visit);
  return walk.exceeded;
}

/** Counts what was visited, and knows the containers that the walk is inside of. */
export class Walk {
  readonly nodeCountMax: number;
  readonly #depthMax: number;
  readonly #ancestors: object[] = [];
  #nodeCount = 0;
  exceeded = false;
  mistyped = false;

  constructor(bounds: Bounds) {
    this.nodeCountMax = bounds.nodeCountMax;
    this.#depthMax = bounds.depthMax;
  }

  /** Counts one more value; false, and exceeded, when there may be no more. */
  count(): boolean {
    this.#nodeCount += 1;
    if (this.#nodeCount <= this.nodeCountMax) return true;
    this.exceeded = true;
    return false;
  }

  isInside(container: object): boolean {
    return this.#ancestors.includes(container);
  }

  /** Enters a container; false, and exceeded, when it is too deep. */
  enter(container: object): boolean {
    if (this.#ancestors.length >= this.#depthMax) {
      this.exceeded = true;
      return false;
    }
    this.#ancestors.push(container);
    return true;
  }

  leave(): void {
    this.#ancestors.pop();
  }
}

/** What `key` and `index` steps find; `mistyped` when `container` has no such kind of children. */
export function readChild(
  container: unknown,
  step: PathStep,
): { readonly key: string | undefined; readonly mistyped: boolean } {
  if (container === null || container === undefined) return { key: undefined, mistyped: false };
  if (typeof container !== "object") return { key: undefined, mistyped: true };
  const isList = Array.isArray(container);
  const name = step.kind === "key" ? step.name : step.kind === "index" ? String(step.index) : "";
  if (step.kind === "index" ? !isList : isList && !isElementName(name)) {
    return { key: undefined, mistyped: true };
  }
  return { key: Object.hasOwn(container, name) ? name : undefined, mistyped: false };
}

/** The keys that an `each` or `any` step goes through; `undefined` when `container` is of the wrong kind. */
export function childKeys(container: object, kind: "each" | "any", walk: Walk): readonly string[] | undefined {
  if (!Array.isArray(container)) return kind === "any" ? Object.keys(container) : undefined;
  const keys: string[] = [];
  const count = Math.min(container.length, walk.nodeCountMax + 1);
  for (let index = 0; index < count; index += 1) keys.push(String(index));
  return keys;
}

/** A property that is known to be an object's own. */
export function ownValue(container: object, key: string): unknown {
  return (container as Readonly<Record<string, unknown>>)[key];
}

interface Reading {
  readonly walk: Walk;
  readonly path: Path;
  readonly position: number;
  readonly values: unknown[];
}

/** Adds to `values`; returns whether some place had no value. */
function readFrom(start: unknown, { walk, path, position, values }: Reading): boolean {
  if (!walk.count()) return false;
  let value = start;
  for (let index = position; index < path.length; index += 1) {
    const step = path[index];
    if (step === undefined) break;
    if (step.kind === "leaves") {
      const countBefore = values.length;
      collectLeaves(value, walk, (leaf) => values.push(leaf));
      return values.length === countBefore;
    }
    if (step.kind === "each" || step.kind === "any") {
      return readChildren(value, step.kind, { walk, path, position: index + 1, values });
    }
    const { key, mistyped } = readChild(value, step);
    if (mistyped) {
      walk.mistyped = true;
      return false;
    }
    if (key === undefined || typeof value !== "object" || value === null) return true;
    value = ownValue(value, key);
  }
  if (value === undefined) return true;
  values.push(value);
  return false;
}

function readChildren(container: unknown, kind: "each" | "any", reading: Reading): boolean {
  const { walk } = reading;
  if (container === null || container === undefined) return true;
  const keys = typeof container === "object" ? childKeys(container, kind, walk) : undefined;
  if (keys === undefined || typeof container !== "object") {
    walk.mistyped = true;
    return false;
  }
  let isMissing = keys.length === 0;
  for (const key of keys) {
    if (walk.exceeded) break;
    if (readFrom(ownValue(container, key), reading)) isMissing = true;
  }
  return isMissing;
}

function collectLeaves(value: unknown, walk: Walk, visit: (leaf: unknown) => void): void {
  if (value === undefined || !walk.count()) return;
  if (typeof value !== "object" || value === null) {
    visit(value);
    return;
  }
  const keys = keysOrThrown(value);
  if (keys === undefined) {
    walk.exceeded = true;
    return;
  }
  if (keys === "leaf") {
    visit(value);
    return;
  }
  if (walk.isInside(value) || !walk.enter(value)) return;
  for (const key of keys) {
    if (walk.exceeded) break;
    const child = childOrThrown(value, key);
    if (child === undefined) walk.exceeded = true;
    else collectLeaves(child.value, walk, visit);
  }
  walk.leave();
}

/** `leaf` for an object such as a date or a map, whose content is no property; `undefined` when a proxy threw. */
function keysOrThrown(container: object): readonly string[] | "leaf" | undefined {
  try {
    const keys = Object.keys(container);
    return keys.length === 0 && !Array.isArray(container) && !isPlainObject(container) ? "leaf" : keys;
  } catch {
    return undefined;
  }
}

function childOrThrown(container: object, key: string): { readonly value: unknown } | undefined {
  try {
    return { value: ownValue(container, key) };
  } catch {
    return undefined;
  }
}
