import { DETECTOR_IDS, type DetectorId } from "@handlebar/protocol";
import { TEXT_LENGTH_MAX, VALUE_BOUNDS, type ValueBounds } from "../limits.ts";
import { isPlainObject } from "../own-property.ts";
import { type PathStep, printPath } from "../path.ts";
import { ownValue, Walk } from "../path-read.ts";
import { BIGINT_MAX } from "../safe-json.ts";
import { findAll } from "./detect.ts";
import { maskText } from "./mask.ts";
import { joinOverlaps, type RankedFinding } from "./overlap.ts";

/** How often one detector found something at one place of a value. */
export interface ValueFinding {
  /**
   * Path of the text or number, or of the property whose name holds the finding; empty for the value itself. Names in
   * it are masked like any text.
   */
  readonly path: string;
  readonly id: DetectorId;
  readonly count: number;
}

/** What a value holds. */
export interface ValueDetection {
  /**
   * In the order of the value. Each detector counts for itself: a card number inside a URL counts for both, so that
   * the answer for one detector does not depend on which others were asked.
   */
  readonly found: readonly ValueFinding[];
  /** How many places hold something; what several detectors find in the same characters is one. */
  readonly placeCount: number;
  /** Something could not be read, so an empty list does not mean clean. */
  readonly exceeded: boolean;
}

/** Entries of `found`; there is no use in more, and paths take memory. */
const FOUND_COUNT_MAX = 1_000;
/** UTF-16 code units of one name in a path. */
const PATH_NAME_LENGTH_MAX = 128;
/** Names in which no detector can find anything. */
export const PLAIN_NAME: RegExp = /^[A-Za-z_-]{0,15}$/;
/** Numbers with fewer digits are nothing to any detector. */
export const NUMBER_MIN = 1_000;

/** One place in a value; a chain, so that paths are only written where something is found. */
interface Place {
  readonly parent: Place | undefined;
  readonly step: PathStep | undefined;
  /** The nearest name above. */
  readonly property: string;
}

const ROOT: Place = { parent: undefined, step: undefined, property: "" };

function pathOf(place: Place): string {
  const steps: PathStep[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) {
    if (at.step !== undefined) steps.unshift(at.step);
  }
  return printPath(steps);
}

class ValueScan {
  readonly found: ValueFinding[] = [];
  placeCount = 0;
  readonly #walk: Walk;
  readonly #ids: readonly DetectorId[];
  #room: number;
  /** Nothing more will be read. */
  #isStopped = false;

  constructor(ids: readonly DetectorId[], bounds: ValueBounds) {
    this.#ids = ids;
    this.#walk = new Walk(bounds);
    this.#room = bounds.textLengthMax;
  }

  get exceeded(): boolean {
    return this.#walk.exceeded;
  }

  visit(value: unknown, place: Place): void {
    if (value === undefined) return;
    if (!this.#walk.count()) this.#isStopped = true;
    if (this.#isStopped) return;
    if (typeof value === "string") this.#text(value, place);
    else if (typeof value === "number") this.#number(value, place);
    else if (typeof value === "bigint") this.#bigint(value, place);
    else if (typeof value === "object" && value !== null) this.#container(value, place);
  }

  #number(value: number, place: Place): void {
    if (Math.abs(value) >= NUMBER_MIN) this.#text(String(value), place);
  }

  #bigint(value: bigint, place: Place): void {
    if (value < BIGINT_MAX && value > -BIGINT_MAX) this.#text(String(value), place);
    else this.#walk.exceeded = true;
  }

  #container(container: object, place: Place): void {
    if (this.#walk.isInside(container)) {
      this.#walk.exceeded = true;
      return;
    }
    if (!this.#walk.enter(container)) return;
    try {
      if (Array.isArray(container)) this.#list(container, place);
      else this.#object(container, place);
    } catch {
      this.#walk.exceeded = true;
    }
    this.#walk.leave();
  }

  #list(list: readonly unknown[], parent: Place): void {
    for (let index = 0; index < list.length && !this.#isStopped; index++) {
      if (index === this.#walk.nodeCountMax) {
        this.#stop();
        return;
      }
      this.visit(list[index], { parent, step: { kind: "index", index }, property: parent.property });
    }
  }

  #object(container: object, parent: Place): void {
    const names = ArrayBuffer.isView(container) ? [] : Object.keys(container);
    // Maps, streams, bytes and the like keep what they hold out of sight.
    if (names.length === 0 && !isPlainObject(container) && !(container instanceof Date)) this.#walk.exceeded = true;
    for (const name of names) {
      if (this.#isStopped) return;
      const place: Place = { parent, step: { kind: "key", name: this.#name(name, parent) }, property: name };
      this.#safely(() => this.visit(ownValue(container, name), place));
    }
  }

  /** A getter that throws hides its own value alone. */
  #safely(read: () => void): void {
    try {
      read();
    } catch {
      this.#walk.exceeded = true;
    }
  }

  /** What is written for a property's name in paths. */
  #name(name: string, parent: Place): string {
    if (PLAIN_NAME.test(name)) return name;
    const read = this.#take(name);
    const findings = findAll(read, this.#ids, "");
    const masked = maskText(read, joinOverlaps(findings));
    const written = masked.length > PATH_NAME_LENGTH_MAX ? `${masked.slice(0, PATH_NAME_LENGTH_MAX)}\u2026` : masked;
    this.#record(findings, { parent, step: { kind: "key", name: written }, property: "" });
    return written;
  }

  #text(text: string, place: Place): void {
    this.#record(findAll(this.#take(text), this.#ids, place.property), place);
  }

  /** The part of a text that there is room for. */
  #take(text: string): string {
    const room = Math.min(this.#room, TEXT_LENGTH_MAX);
    if (text.length > room) this.#walk.exceeded = true;
    if (text.length > this.#room) this.#stop();
    const taken = text.length > room ? text.slice(0, room) : text;
    this.#room -= taken.length;
    return taken;
  }

  #record(findings: readonly RankedFinding[], place: Place): void {
    for (const id of new Set(findings.map((finding) => finding.id))) {
      if (this.found.length >= FOUND_COUNT_MAX) {
        this.#stop();
        return;
      }
      const { length } = joinOverlaps(findings.filter((finding) => finding.id === id));
      this.found.push({ path: pathOf(place), id, count: length });
    }
    this.placeCount += joinOverlaps(findings).length;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#walk.exceeded = true;
  }
}

/**
 * Finds sensitive data in a JSON-like value: in texts, in numbers as they are written, and in the names of properties.
 *
 * The name of the nearest property above counts as a word beside a text or number: `{ "bsn": 111222333 }`. Reads own
 * enumerable properties alone and never throws. Past a bound, at a cycle, where a getter or proxy throws, and for
 * objects whose content is out of sight (maps, bytes), the answer says `exceeded`.
 *
 * @param ids - the detectors to use; pass the same array again to have it prepared once.
 * @param bounds - how far to go; `VALUE_BOUNDS` when absent.
 */
export function scanValue(
  value: unknown,
  ids: readonly DetectorId[] = DETECTOR_IDS,
  bounds: ValueBounds = VALUE_BOUNDS,
): ValueDetection {
  const scan = new ValueScan(ids, bounds);
  scan.visit(value, ROOT);
  return { found: scan.found, placeCount: scan.placeCount, exceeded: scan.exceeded };
}
