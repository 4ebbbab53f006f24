import { configure } from "safe-stable-stringify";
import { EVENT_BOUNDS } from "./event-bounds.ts";

/** Stands where a value was that has no JSON form. */
export const UNSERIALISABLE = "[unserialisable]";

const stringifyBounded = configure({
  bigint: "string",
  deterministic: false,
  maximumDepth: EVENT_BOUNDS.fallbackDepthMax,
  maximumBreadth: EVENT_BOUNDS.fallbackBreadthMax,
});

/** JSON text of a value, and whether all of it has a JSON form. */
export interface SafeJson {
  /** `undefined` for what JSON leaves out: undefined, functions and symbols. */
  readonly text: string | undefined;
  /** False where a part had to be left out for throwing. */
  readonly complete: boolean;
}

/**
 * JSON text of any value; never throws. What `JSON.stringify` refuses (circular, too deep, BigInt) is written within bounds,
 * BigInt as text; a part that throws when read becomes `UNSERIALISABLE` without taking the `levels` of entries above it along.
 */
export function safeJson(value: unknown, levels: number): SafeJson {
  const text = attempt(() => JSON.stringify(value)) ?? attempt(() => stringifyBounded(value));
  if (text !== undefined) return { text: text.json, complete: true };
  const entries = levels > 0 ? attempt(() => readEntries(value))?.json : undefined;
  if (entries === undefined) return { text: JSON.stringify(UNSERIALISABLE), complete: false };
  const parts: string[] = [];
  for (const [key, read] of entries) {
    const entry = attempt(read);
    const part = entry === undefined ? JSON.stringify(UNSERIALISABLE) : safeJson(entry.json, levels - 1).text;
    if (part !== undefined) parts.push(`${JSON.stringify(key)}:${part}`);
  }
  return { text: `{${parts.join(",")}}`, complete: false };
}

/** Each entry apart, read late, so that one that throws does not hide the others. */
function readEntries(value: unknown): readonly (readonly [string, () => unknown])[] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value).slice(0, EVENT_BOUNDS.fallbackBreadthMax);
  return keys.map((key) => [key, () => Reflect.get(value, key)] as const);
}

/** What `work` returned, boxed, so that an `undefined` can be told from a throw. */
function attempt<T>(work: () => T): { readonly json: T } | undefined {
  try {
    return { json: work() };
  } catch {
    return undefined;
  }
}
