import type { JsonValue } from "@handlebar/core/adapter";

/** What a redaction changed in one message. */
export interface Changed {
  readonly texts: readonly (readonly [before: string, after: string])[];
  /** New arguments of calls, by call id. */
  readonly args: ReadonlyMap<string, JsonValue>;
}

/** How deep providers' own copies of a message are looked through; what lies deeper is left out. */
const DEPTH_MAX = 16;
/** Shorter texts are replaced only where they stand alone: they are part of too much else. */
const PART_LENGTH_MIN = 4;

/** A provider's own record of a message with the same changes made in it; what is no plain data stays as it is. */
export function scrubCopies(value: unknown, changed: Changed, depth = 0): unknown {
  if (typeof value === "string") return scrubText(value, changed);
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_MAX) return undefined;
  if (Array.isArray(value)) return value.map((item) => scrubCopies(item, changed, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const args = changedArgs(value, changed);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      args === undefined ? scrubCopies(item, changed, depth + 1) : withArgs(name, item, args),
    ]),
  );
}

function scrubText(text: string, { texts }: Changed): string {
  return texts.reduce((done, [before, after]) => {
    if (before === done) return after;
    return before.length < PART_LENGTH_MIN ? done : done.replaceAll(before, after);
  }, text);
}

/** The new arguments of the call that an object describes; every provider names its id in one of these ways. */
function changedArgs(value: object, { args }: Changed): JsonValue | undefined {
  const { id, call_id: callId } = value as { readonly id?: unknown; readonly call_id?: unknown };
  for (const name of [callId, id]) {
    if (typeof name === "string" && args.has(name)) return args.get(name);
  }
  return undefined;
}

const ARGUMENT_FIELDS: ReadonlySet<string> = new Set(["args", "arguments", "input", "partial_json"]);

function withArgs(name: string, item: unknown, args: JsonValue): unknown {
  if (name === "function" && typeof item === "object" && item !== null) {
    return Object.fromEntries(Object.entries(item).map(([inner, one]) => [inner, withArgs(inner, one, args)]));
  }
  if (!ARGUMENT_FIELDS.has(name)) return item;
  return typeof item === "string" ? JSON.stringify(args) : args;
}
