import { VALUE_BOUNDS, type ValueBounds } from "./limits.ts";
import { isPlainObject } from "./own-property.ts";
import type { Path } from "./path.ts";
import { childKeys, ownValue, readChild, Walk } from "./path-read.ts";

/** A value with some places replaced. */
export interface PathMapping {
  /** Shares with the input whatever did not change. `undefined` when `exceeded`, so that nothing half-done gets out. */
  readonly value: unknown;
  /** How many values were given to the function. */
  readonly count: number;
  /** A step met a value of the wrong kind, so that what stands there was left as it is. */
  readonly mistyped: boolean;
  /** A bound was exceeded, the value is circular there, or a getter or proxy threw. */
  readonly exceeded: boolean;
}

interface Mapping {
  readonly walk: Walk;
  readonly path: Path;
  readonly replace: (value: unknown) => unknown;
  count: number;
}

/**
 * Gives a copy of `value` in which every value at `path` is replaced by what `replace` makes of it; the input is left
 * untouched. Never throws unless `replace` does.
 */
export function mapPath(
  value: unknown,
  path: Path,
  options: { readonly replace: (value: unknown) => unknown; readonly bounds?: ValueBounds },
): PathMapping {
  const walk = new Walk(options.bounds ?? VALUE_BOUNDS);
  let thrown: { readonly error: unknown } | undefined;
  const replace = (found: unknown): unknown => {
    try {
      return options.replace(found);
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  const mapping: Mapping = { walk, path, replace, count: 0 };
  let mapped: unknown;
  try {
    mapped = mapFrom(value, 0, mapping);
  } catch {
    walk.exceeded = true;
  }
  if (thrown !== undefined) throw thrown.error;
  return {
    value: walk.exceeded ? undefined : mapped,
    count: mapping.count,
    mistyped: walk.mistyped,
    exceeded: walk.exceeded,
  };
}

function mapFrom(value: unknown, position: number, mapping: Mapping): unknown {
  const { walk, path } = mapping;
  const step = path[position];
  if (value === undefined || !walk.count()) return value;
  if (step === undefined) {
    mapping.count += 1;
    return mapping.replace(value);
  }
  if (step.kind === "leaves") return mapLeaves(value, position, mapping);
  if (value === null) return value;
  if (typeof value !== "object") {
    walk.mistyped = true;
    return value;
  }
  if (step.kind === "each" || step.kind === "any") {
    const keys = childKeys(value, step.kind, walk);
    if (keys === undefined) walk.mistyped = true;
    return mapChildren(value, keys ?? [], { position: position + 1, mapping });
  }
  const { key, mistyped } = readChild(value, step);
  if (mistyped) walk.mistyped = true;
  return mapChildren(value, key === undefined ? [] : [key], { position: position + 1, mapping });
}

function mapLeaves(value: unknown, position: number, mapping: Mapping): unknown {
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const isEmptyContainer =
    typeof value === "object" && value !== null && keys.length === 0 && (Array.isArray(value) || isPlainObject(value));
  if (isEmptyContainer) return value;
  if (keys.length === 0 || typeof value !== "object" || value === null) {
    mapping.count += 1;
    return mapping.replace(value);
  }
  return mapChildren(value, keys, { position, mapping });
}

function mapChildren(
  container: object,
  keys: readonly string[],
  { position, mapping }: { readonly position: number; readonly mapping: Mapping },
): unknown {
  const { walk } = mapping;
  if (walk.isInside(container)) walk.exceeded = true;
  if (walk.exceeded || !walk.enter(container)) return container;
  let copy: object | undefined;
  for (const key of keys) {
    const before = ownValue(container, key);
    const after = mapFrom(before, position, mapping);
    if (walk.exceeded) break;
    if (Object.is(before, after)) continue;
    copy ??= shallowCopy(container);
    Object.defineProperty(copy, key, { value: after, enumerable: true, configurable: true, writable: true });
  }
  walk.leave();
  return copy ?? container;
}

function shallowCopy(container: object): object {
  if (Array.isArray(container)) return Array.from<unknown>(container);
  const copy: object = Object.create(Object.getPrototypeOf(container) as object | null);
  for (const key of Object.keys(container)) {
    const value = ownValue(container, key);
    Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}
