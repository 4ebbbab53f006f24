import { canonicalJson } from "../canonical-json.ts";
import { NUMBER_MIN, PLAIN_NAME } from "../detectors/scan-value.ts";
import { JSON_TEXT_LENGTH_MAX, TEXT_LENGTH_MAX, VALUE_BOUNDS } from "../limits.ts";
import { isPlainObject } from "../own-property.ts";
import { ownValue, Walk } from "../path-read.ts";
import { copyObject, type Entry } from "./copy-object.ts";
import { digestMark, isDigestMark } from "./digest.ts";
import { isJsonLike, readRewritable } from "./json-in-text.ts";
import { redactText } from "./redact-text.ts";
import { Counts, REDACTED, type RedactOptions, UNSCANNED } from "./redaction.ts";
import { type Method, type Place, type RedactionPlan, strongest } from "./redaction-plan.ts";

/** Stands for a value that is to be taken out of its container. */
export const REMOVED: unique symbol = Symbol("removed");

/** What an error holds out of sight. */
const ERROR_NAMES: readonly string[] = ["message", "stack", "cause"];

type Names = readonly string[];

/** Where a value stands, and the names that stand beside it. */
interface Standing {
  readonly place: Place;
  readonly properties: Names;
}

/** One walk over one value that applies every redaction of a plan. */
export class Redactor {
  readonly counts: Counts = new Counts();
  readonly #plan: RedactionPlan;
  readonly #hash: RedactOptions["hash"];
  readonly #walk: Walk = new Walk(VALUE_BOUNDS);
  #room: number = VALUE_BOUNDS.textLengthMax;
  /** Nothing more will be read. */
  #isStopped: boolean = false;
  exceeded: boolean = false;

  constructor(plan: RedactionPlan, options: RedactOptions) {
    this.#plan = plan;
    this.#hash = options.hash;
  }

  redact(value: unknown): unknown {
    return this.#visit(value, { place: this.#plan.root, properties: [""] });
  }

  #visit(value: unknown, standing: Standing): unknown {
    const { place, properties } = standing;
    const { whole, leaves } = place;
    if (value === undefined) return value;
    if (!this.#walk.count()) this.#isStopped = true;
    if (this.#isStopped) return this.#hide(place);
    if (whole !== undefined) return this.#replace(value, strongest(whole, leaves) ?? whole, properties);
    try {
      if (typeof value === "object" && value !== null) return this.#container(value, standing);
    } catch {
      return this.#hide(place);
    }
    return leaves === undefined ? this.#leaf(value, standing) : this.#replace(value, leaves, properties);
  }

  /** What could not be looked through is not let through. */
  #hide({ whole, leaves }: Place): unknown {
    this.exceeded = true;
    return strongest(whole, leaves) === "remove" ? REMOVED : UNSCANNED;
  }

  #replace(value: unknown, method: Method, properties: Names): unknown {
    if (value === null && method === "remove" && this.#plan.keepsPositions) return value;
    if (method !== "remove" && (value === REDACTED || value === UNSCANNED)) return value;
    if (method === "hash" && this.#hash !== undefined && isDigestMark(value, properties)) return value;
    this.counts.add("path");
    if (method === "remove") return REMOVED;
    if (method === "mask") return REDACTED;
    const text = typeof value === "string" ? value : canonicalJson(value);
    const mark = text === undefined ? undefined : digestMark(text, this.#hash);
    return mark !== undefined && isDigestMark(mark, properties) ? mark : REDACTED;
  }

  #leaf(value: unknown, standing: Standing): unknown {
    if (typeof value === "string") return this.#textLeaf(value, standing);
    const isNumber = typeof value === "number" && Math.abs(value) >= NUMBER_MIN;
    if (!isNumber && typeof value !== "bigint") return value;
    const text = String(value);
    const redacted = this.#text(text, standing);
    return redacted === text ? value : redacted;
  }

  #textLeaf(text: string, standing: Standing): unknown {
    if (standing.place.cursors.length === 0) return this.#text(text, standing);
    const read = this.#below(text, standing);
    return read === undefined ? this.#hide(standing.place) : this.#text(read, standing);
  }

  /** A text that holds the object or list that paths go on in; `undefined` when it cannot be rewritten. */
  #below(text: string, { place, properties }: Standing): string | undefined {
    if (text.length > JSON_TEXT_LENGTH_MAX) return undefined;
    const read = readRewritable(text);
    if (read === undefined) return isJsonLike(text) ? undefined : text;
    const value = this.#container(read.value, { place: this.#plan.inside(place), properties });
    if (this.#isStopped) return undefined;
    return value === read.value ? text : read.write(value);
  }

  #text(text: string, { place, properties }: Standing): string {
    const { scope } = place;
    if (scope.ids.length === 0 || text === "" || text === UNSCANNED) return text;
    const isReadable = text.length <= Math.min(this.#room, TEXT_LENGTH_MAX);
    const redacted = isReadable
      ? redactText(text, { scope, properties, hash: this.#hash, counts: this.counts })
      : undefined;
    const length = Math.max(text.length, redacted?.length ?? 0);
    if (redacted === undefined || length > this.#room) {
      this.exceeded = true;
      return UNSCANNED;
    }
    // The longer of both, so that there is room for as much when the result is redacted again.
    this.#room -= length;
    return redacted;
  }

  #container(container: object, standing: Standing): unknown {
    const { leaves } = standing.place;
    if (this.#walk.isInside(container) || !this.#walk.enter(container)) return this.#hide(standing.place);
    try {
      if (Array.isArray(container)) return this.#list(container, standing);
      const names = namesOf(container);
      if (names.length > 0 || isPlainObject(container)) return this.#object(container, names, standing);
      if (leaves !== undefined) return this.#replace(container, leaves, standing.properties);
      return this.#opaque(container, standing);
    } finally {
      this.#walk.leave();
    }
  }

  #list(list: readonly unknown[], { place, properties }: Standing): unknown {
    let copy: unknown[] | undefined;
    for (let index = 0; index < list.length; index += 1) {
      if (index === VALUE_BOUNDS.nodeCountMax) return this.#cut(copy ?? list.slice(0, index), place);
      const key = String(index);
      const child = { place: this.#plan.child(place, key, true), properties };
      const { before, after } = this.#property(list, key, child);
      if (copy === undefined && !Object.is(before, after)) copy = list.slice(0, index);
      if (after !== REMOVED) copy?.push(after);
      else if (this.#plan.keepsPositions) copy?.push(null);
      // What comes after has not been looked at.
      if (this.#isStopped) return copy ?? (index + 1 < list.length ? list.slice(0, index + 1) : list);
    }
    return copy ?? list;
  }

  /** Holes are not counted, so that a list of nothing else is cut by its length. */
  #cut(copy: unknown[], place: Place): readonly unknown[] {
    this.#isStopped = true;
    const last = this.#hide(this.#plan.child(place, String(copy.length), true));
    return last === REMOVED ? copy : [...copy, last];
  }

  /** A getter that throws hides its own value alone. */
  #property(container: object, key: string, child: Standing): { readonly before: unknown; readonly after: unknown } {
    let before: unknown;
    try {
      before = ownValue(container, key);
    } catch {
      return { before: REMOVED, after: this.#hide(child.place) };
    }
    return { before, after: this.#visit(before, child) };
  }

  #object(container: object, names: Names, { place }: Standing): unknown {
    const entries: Entry[] = [];
    const taken = new Set<string>(names);
    let isChanged = false;
    for (const key of names) {
      const name = PLAIN_NAME.test(key) ? key : this.#name(key, place, taken);
      const properties = name === key ? [key] : [key, name];
      const child = { place: this.#plan.child(place, key, false), properties };
      const { before, after } = this.#property(container, key, child);
      isChanged ||= name !== key || !Object.is(before, after);
      if (after !== REMOVED) entries.push({ name, value: after });
      if (this.#isStopped) {
        isChanged ||= entries.length < names.length;
        break;
      }
    }
    return isChanged ? copyObject(container, names, entries) : container;
  }

  /** What a property is called when its name holds a finding; no two get the same name. */
  #name(key: string, place: Place, taken: Set<string>): string {
    const redacted = this.#text(key, { place, properties: [""] });
    if (redacted === key) return key;
    const name = uniqueName(redacted, taken, taken);
    taken.add(name);
    return name;
  }

  #opaque(container: object, { place }: Standing): unknown {
    const child = { place: this.#plan.unnamedChild(place), properties: [""] };
    const prototype: unknown = Object.getPrototypeOf(container);
    if (prototype === Map.prototype && container instanceof Map) return this.#map(container, child);
    if (prototype === Set.prototype && container instanceof Set) return this.#set(container, child);
    if (place.scope.ids.length > 0 && !(container instanceof Date)) this.exceeded = true;
    return container;
  }

  #map(map: ReadonlyMap<unknown, unknown>, child: Standing): unknown {
    const copy = new Map<unknown, unknown>();
    let isChanged = false;
    for (const [key, value] of map) {
      const redactedKey = this.#visit(key, child);
      const isRenamed = !Object.is(redactedKey, key);
      const name = isRenamed && typeof redactedKey === "string" ? uniqueName(redactedKey, map, copy) : redactedKey;
      const properties = [key, name].filter((property) => typeof property === "string");
      const named = { place: child.place, properties: properties.length === 0 ? child.properties : properties };
      const redacted = this.#isStopped ? UNSCANNED : this.#visit(value, named);
      isChanged ||= isRenamed || !Object.is(redacted, value);
      copy.set(name, redacted);
      if (this.#isStopped) break;
    }
    return isChanged || this.#isStopped ? copy : map;
  }

  #set(set: ReadonlySet<unknown>, child: Standing): unknown {
    const copy = new Set<unknown>();
    let isChanged = false;
    for (const value of set) {
      const redacted = this.#visit(value, child);
      isChanged ||= !Object.is(redacted, value);
      copy.add(redacted);
      if (this.#isStopped) break;
    }
    return isChanged || this.#isStopped ? copy : set;
  }
}

/** The name itself, or with the first number that makes it one that neither has. */
function uniqueName(name: string, taken: Has, alsoTaken: Has): string {
  let unique = name;
  for (let number = 2; taken.has(unique) || alsoTaken.has(unique); number += 1) unique = `${name}~${number}`;
  return unique;
}

interface Has {
  has(name: string): boolean;
}

function namesOf(container: object): Names {
  if (ArrayBuffer.isView(container) || container instanceof String) return [];
  const names = Object.keys(container);
  if (!(container instanceof Error)) return names;
  return [...names, ...ERROR_NAMES.filter((name) => Object.hasOwn(container, name) && !names.includes(name))];
}
