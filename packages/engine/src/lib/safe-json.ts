import type { JsonValue } from "@handlebar/protocol";
import { BIGINT_DIGIT_COUNT_MAX, VALUE_BOUNDS, type ValueBounds } from "./limits.ts";
import { isPlainObject, setOwn } from "./own-property.ts";

/** What could not be carried over as it was. All false: `value` says the same as the input. */
export interface PlainNotes {
  /** A bound was exceeded: something is missing or cut. */
  exceeded: boolean;
  /** A container stood inside itself: `"[circular]"`. */
  circular: boolean;
  /** A bigint became its digits and `n`: `"12n"`. */
  bigint: boolean;
  /** `NaN` or an infinity became its name. */
  nonFinite: boolean;
  /** A getter, proxy or `toJSON` threw: `"[threw]"`. */
  threw: boolean;
  /** A function, symbol, bytes, or an object without properties such as a stream became a marker: `"[function]"`. */
  opaque: boolean;
  /** A lone surrogate became U+FFFD. */
  illFormed: boolean;
}

export interface Plain {
  readonly value: JsonValue;
  readonly notes: Readonly<PlainNotes>;
}

export const BIGINT_MAX: bigint = 10n ** BigInt(BIGINT_DIGIT_COUNT_MAX);

/**
 * Copies any value into plain, bounded JSON; never throws and never keeps a reference to the input.
 *
 * Dates become ISO text; maps with text keys objects, others lists of pairs; sets and arrays of numbers lists; errors
 * `{ name, message, code?, cause? }` with their own properties; objects with `toJSON` what that gives; other objects
 * their own enumerable properties. `undefined` is left out of objects and is `null` elsewhere. Lone surrogates become
 * U+FFFD. What JSON cannot say becomes a marker and a note, so that a reader knows the value is not whole.
 */
export function toPlain(value: unknown, bounds: ValueBounds = VALUE_BOUNDS): Plain {
  const copier = new Copier(bounds);
  const copied = copier.copy(value);
  return { value: copied ?? null, notes: copier.notes };
}

/** Whether `value` says the same as the input did. */
export function isFaithful(notes: Readonly<PlainNotes>): boolean {
  const { exceeded, circular, bigint, nonFinite, threw, opaque, illFormed } = notes;
  return !(exceeded || circular || bigint || nonFinite || threw || opaque || illFormed);
}

class Copier {
  readonly notes: PlainNotes = {
    exceeded: false,
    circular: false,
    bigint: false,
    nonFinite: false,
    threw: false,
    opaque: false,
    illFormed: false,
  };
  readonly #bounds: ValueBounds;
  readonly #ancestors: object[] = [];
  #nodeCount = 0;
  #textLength = 0;

  constructor(bounds: ValueBounds) {
    this.#bounds = bounds;
  }

  /** `undefined` for what a containing object leaves out. */
  copy(value: unknown): JsonValue | undefined {
    this.#nodeCount += 1;
    switch (typeof value) {
      case "string":
        return this.#copyText(value);
      case "number":
        if (value === 0) return 0;
        return Number.isFinite(value) ? value : this.#mark("nonFinite", String(value));
      case "boolean":
      case "undefined":
        return value;
      case "bigint":
        return this.#copyBigInt(value);
      case "object":
        return value === null ? null : this.#copyObjectSafely(value);
      default:
        return this.#mark("opaque", `[${typeof value}]`);
    }
  }

  #mark(note: keyof PlainNotes, marker: string): string {
    this.notes[note] = true;
    return marker;
  }

  #copyText(text: string): string {
    const room = this.#bounds.textLengthMax - this.#textLength;
    let kept = text;
    if (text.length > room) {
      this.notes.exceeded = true;
      kept = text.slice(0, Math.max(0, room));
    }
    this.#textLength += kept.length;
    const wellFormed = kept.replace(/\p{Surrogate}/gu, "\ufffd");
    if (wellFormed !== kept) this.notes.illFormed = true;
    return wellFormed;
  }

  #copyBigInt(value: bigint): string {
    this.notes.bigint = true;
    const isWritable = value < BIGINT_MAX && value > -BIGINT_MAX;
    return isWritable ? `${value}n` : this.#mark("exceeded", "[bigint]");
  }

  #copyObjectSafely(object: object, origin: "value" | "json" = "value"): JsonValue | undefined {
    if (this.#ancestors.includes(object)) return this.#mark("circular", "[circular]");
    if (this.#ancestors.length >= this.#bounds.depthMax) return this.#mark("exceeded", "[deep]");
    this.#ancestors.push(object);
    try {
      const isProperties = origin === "json" && !Array.isArray(object) && isPlainObject(object);
      return isProperties ? this.#copyEntries(Object.keys(object), object) : this.#copyObject(object);
    } catch {
      return this.#mark("threw", "[threw]");
    } finally {
      this.#ancestors.pop();
    }
  }

  #copyObject(object: object): JsonValue | undefined {
    if (Array.isArray(object)) return this.#copyList(object);
    if (isPlainObject(object)) {
      const json = jsonOf(object);
      return json === undefined ? this.#copyEntries(Object.keys(object), object) : this.#copyJson(json.value);
    }
    if (object instanceof Date) return this.#copyDate(object);
    if (object instanceof Map) return this.#copyMap(object);
    if (object instanceof Set) return this.#copyList(this.#take(Set.prototype.values.call(object)));
    if (object instanceof Error) return this.#copyError(object);
    if (object instanceof ArrayBuffer) return this.#mark("opaque", `[bytes ${object.byteLength}]`);
    if (ArrayBuffer.isView(object)) return this.#copyView(object);
    if (object instanceof RegExp) return this.#copyText(String(object));
    if (object instanceof Number || object instanceof String || object instanceof Boolean) {
      return this.copy(object.valueOf());
    }
    const json = jsonOf(object);
    return json === undefined ? this.#copyInstance(object) : this.#copyJson(json.value);
  }

  /** The content of an instance without properties is out of sight: a stream, a promise, a form. */
  #copyInstance(object: object): JsonValue {
    const keys = Object.keys(object);
    return keys.length === 0 ? this.#mark("opaque", "[object]") : this.#copyEntries(keys, object);
  }

  #copyDate(date: Date): JsonValue {
    const epochMs = Date.prototype.getTime.call(date);
    return Number.isNaN(epochMs) ? this.#mark("nonFinite", "Invalid Date") : new Date(epochMs).toISOString();
  }

  /** What `toJSON` gave, which is not asked for its own. */
  #copyJson(json: unknown): JsonValue | undefined {
    return typeof json === "object" && json !== null ? this.#copyObjectSafely(json, "json") : this.copy(json);
  }

  #copyList(list: readonly unknown[]): JsonValue {
    const copy: JsonValue[] = [];
    for (let index = 0; index < list.length; index += 1) {
      if (this.#isFull()) break;
      copy.push(this.#copyMember(list, index) ?? null);
    }
    return copy;
  }

  #copyEntries(keys: readonly string[], object: object): Record<string, JsonValue> {
    const copy: Record<string, JsonValue> = {};
    for (const key of keys) {
      if (this.#isFull()) break;
      const ownKey = this.#copyKey(key);
      if (ownKey === undefined) continue;
      const child = this.#copyMember(object, key);
      if (child !== undefined) setOwn(copy, ownKey, child);
    }
    return copy;
  }

  /** A key that is not whole would be another key: then the member is left out. */
  #copyKey(key: string): string | undefined {
    const ownKey = this.#copyText(key);
    return ownKey.length < key.length ? undefined : ownKey;
  }

  #copyMember(container: object, key: PropertyKey): JsonValue | undefined {
    let child: unknown;
    try {
      child = Reflect.get(container, key);
    } catch {
      return this.#mark("threw", "[threw]");
    }
    return this.copy(child);
  }

  #copyMap(map: ReadonlyMap<unknown, unknown>): JsonValue {
    const entries = this.#take(Map.prototype.entries.call(map));
    if (!entries.every(([key]) => typeof key === "string")) return this.#copyList(entries);
    const copy: Record<string, JsonValue> = {};
    for (const [key, value] of entries) {
      if (this.#isFull()) break;
      const ownKey = this.#copyKey(String(key));
      const child = ownKey === undefined ? undefined : this.copy(value);
      if (ownKey !== undefined && child !== undefined) setOwn(copy, ownKey, child);
    }
    return copy;
  }

  /** One more than may be copied, so that the copy notices what is missing. */
  #take<T>(items: Iterable<T>): readonly T[] {
    const taken: T[] = [];
    for (const item of items) {
      taken.push(item);
      if (taken.length > this.#bounds.nodeCountMax) break;
    }
    return taken;
  }

  #copyError(error: Error): JsonValue {
    const own = Object.keys(error).filter((key) => key !== "name" && key !== "message" && key !== "cause");
    const named = ["name", "message", ...own];
    return this.#copyEntries(error.cause === undefined ? named : [...named, "cause"], error);
  }

  #copyView(view: ArrayBufferView): JsonValue {
    const isBytes = view instanceof Uint8Array || view instanceof Uint8ClampedArray || view instanceof DataView;
    if (isBytes) return this.#mark("opaque", `[bytes ${view.byteLength}]`);
    return this.#copyList(view as unknown as readonly unknown[]);
  }

  #isFull(): boolean {
    const isFull = this.#nodeCount >= this.#bounds.nodeCountMax;
    if (isFull) this.notes.exceeded = true;
    return isFull;
  }
}

/** What an object's `toJSON` gives, as `JSON.stringify` asks for it; `undefined` where it has none or is its own. */
function jsonOf(object: object): { readonly value: unknown } | undefined {
  const toJson: unknown = Reflect.get(object, "toJSON");
  if (typeof toJson !== "function") return undefined;
  const value: unknown = Reflect.apply(toJson, object, []);
  return value === object ? undefined : { value };
}
