import type { DetectorId } from "@handlebar/protocol";
import { detect } from "../detectors/detect.ts";
import { maskText } from "../detectors/mask.ts";
import { VALUE_BOUNDS } from "../limits.ts";
import { isPlainObject, setOwn } from "../own-property.ts";
import { type Redactor, UNSCANNED } from "./redaction.ts";

/** Takes the findings of some detectors out of every text, number and key below a value, whatever does not fit taken out whole. */
export function scrub(value: unknown, ids: readonly DetectorId[], redactor: Redactor): unknown {
  return new Scrubbing(ids, redactor).value(value, 0);
}

class Scrubbing {
  readonly #ids: readonly DetectorId[];
  readonly #redactor: Redactor;
  readonly #path = new Set<object>();
  #nodeCount = 0;
  #textLength = 0;

  constructor(ids: readonly DetectorId[], redactor: Redactor) {
    this.#ids = ids;
    this.#redactor = redactor;
  }

  value(value: unknown, depth: number): unknown {
    this.#nodeCount += 1;
    if (this.#nodeCount > VALUE_BOUNDS.nodeCountMax || depth > VALUE_BOUNDS.depthMax) return this.#unscanned();
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "number" || typeof value === "bigint") {
      const text = String(value);
      const scrubbed = this.#text(text);
      return scrubbed === text ? value : scrubbed;
    }
    if (typeof value !== "object" || value === null) return value;
    return this.#container(value, depth);
  }

  #text(text: string): string {
    this.#textLength += text.length;
    if (this.#textLength > VALUE_BOUNDS.textLengthMax) return this.#unscanned();
    const { findings, exceeded } = detect(text, this.#ids);
    if (exceeded) return this.#unscanned();
    return maskText(text, findings, (id, matched) => this.#redactor.finding(id, matched));
  }

  #container(value: object, depth: number): unknown {
    if (this.#path.has(value)) return this.#unscanned();
    this.#path.add(value);
    try {
      if (Array.isArray(value)) return this.#list(value, depth);
      // Dates, class instances and the like are handed on as they are: their text is not theirs to change.
      return isPlainObject(value) ? this.#object(value, depth) : value;
    } catch {
      return this.#unscanned();
    } finally {
      this.#path.delete(value);
    }
  }

  #list(list: readonly unknown[], depth: number): unknown {
    const items = list.map((item) => this.value(item, depth + 1));
    return items.every((item, index) => Object.is(item, list[index])) ? list : items;
  }

  #object(object: object, depth: number): unknown {
    const copy: Record<string, unknown> = {};
    let isChanged = false;
    for (const [key, item] of Object.entries(object)) {
      const scrubbedKey = this.#text(key);
      const scrubbed = this.value(item, depth + 1);
      isChanged ||= scrubbedKey !== key || !Object.is(scrubbed, item);
      setOwn(copy, scrubbedKey, scrubbed);
    }
    return isChanged ? copy : object;
  }

  #unscanned(): string {
    this.#redactor.exceeded = true;
    return UNSCANNED;
  }
}
