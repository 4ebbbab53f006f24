import { CANONICAL_JSON_LENGTH_MAX, VALUE_BOUNDS, type ValueBounds } from "./limits.ts";
import { isPlainObject } from "./own-property.ts";

/**
 * The one text of a JSON value, for fingerprints: RFC 8785 (keys sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript prints them), with one addition: a lone surrogate, which the RFC forbids, is written as its escape. Equal
 * values give equal texts and unequal values unequal ones. Properties whose value is `undefined` are left out.
 *
 * `undefined` for what has no such text: a bigint, a function, a symbol, `NaN`, an infinity, an element that is
 * `undefined`, an object that is not plain, a circular value, or one past the bounds (by default 32 levels, 10,000 values
 * and 1,048,576 UTF-16 code units of output). Never throws.
 */
export function canonicalJson(
  value: unknown,
  bounds: ValueBounds = { ...VALUE_BOUNDS, textLengthMax: CANONICAL_JSON_LENGTH_MAX },
): string | undefined {
  const writer = new Writer(bounds);
  try {
    return writer.write(value, 0) ? writer.text : undefined;
  } catch {
    return undefined;
  }
}

class Writer {
  text = "";
  readonly #bounds: ValueBounds;
  #nodeCount = 0;

  constructor(bounds: ValueBounds) {
    this.#bounds = bounds;
  }

  /** Appends `value`; false when it has no canonical text. */
  write(value: unknown, depth: number): boolean {
    this.#nodeCount += 1;
    if (this.#nodeCount > this.#bounds.nodeCountMax || depth > this.#bounds.depthMax) return false;
    if (value === null || value === true || value === false) return this.#append(String(value));
    if (typeof value === "number") return Number.isFinite(value) && this.#append(JSON.stringify(value));
    if (typeof value === "string") return this.#writeText(value);
    if (typeof value !== "object") return false;
    if (Array.isArray(value)) return this.#writeList(value, depth);
    return isPlainObject(value) && this.#writeObject(value, depth);
  }

  #writeList(list: readonly unknown[], depth: number): boolean {
    this.#append("[");
    for (let index = 0; index < list.length; index += 1) {
      if (index > 0) this.#append(",");
      if (!this.write(list[index], depth + 1)) return false;
    }
    return this.#append("]");
  }

  #writeObject(object: object, depth: number): boolean {
    const keys = Object.keys(object);
    if (keys.length > this.#bounds.nodeCountMax) return false;
    this.#append("{");
    let isFirst = true;
    for (const key of keys.sort()) {
      const child = (object as Readonly<Record<string, unknown>>)[key];
      if (child === undefined) continue;
      if (!isFirst) this.#append(",");
      isFirst = false;
      if (!this.#writeText(key) || !this.#append(":") || !this.write(child, depth + 1)) return false;
    }
    return this.#append("}");
  }

  #writeText(text: string): boolean {
    if (this.text.length + text.length > this.#bounds.textLengthMax) return false;
    return this.#append(JSON.stringify(text));
  }

  #append(piece: string): boolean {
    if (this.text.length + piece.length > this.#bounds.textLengthMax) return false;
    this.text += piece;
    return true;
  }
}
