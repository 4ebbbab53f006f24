import { SEEN_TEXT_LENGTH_MAX, SEEN_VALUE_COUNT_MAX, SEEN_VALUE_LENGTH_MAX } from "../limits.ts";
import { canonicalNumber, compact, normaliseText, normaliseValue, tokensOf } from "./normalise.ts";

/** Values shorter than this are only looked for as whole tokens, never inside a compacted text. */
const COMPACT_LENGTH_MIN = 8;

/** What was seen in one kind of place. Bounded: what there is no room for is not kept, and `isLost` says so. */
export class TextIndex {
  readonly #values = new Set<string>();
  #text = "";
  #isLost = false;

  /** Something seen here is not kept: what is not found may have been here. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Takes a value in: found again as a whole, and by the addresses and identifiers in it. */
  addValue(value: unknown): void {
    const normal = normaliseValue(value);
    if (normal === undefined) return;
    this.#keep(normal);
    if (typeof value !== "string") return;
    for (const token of tokensOf(normal)) if (/[@\d]/.test(token)) this.#keep(canonicalNumber(token) ?? token);
  }

  /** Takes prose in: found again by any stretch of whole words of it. */
  addText(text: string): void {
    const normal = normaliseText(text);
    const room = SEEN_TEXT_LENGTH_MAX - this.#text.length;
    if (normal.length > room) this.#isLost = true;
    const kept = normal.slice(0, Math.max(0, room));
    this.#text += `\n${kept}`;
    for (const token of tokensOf(kept)) this.#keep(canonicalNumber(token) ?? token);
  }

  has(value: unknown): boolean {
    const normal = normaliseValue(value);
    if (normal === undefined) return false;
    if (this.#values.has(normal)) return true;
    if (hasWords(this.#text, normal)) return true;
    const tight = compact(normal);
    return tight.length >= COMPACT_LENGTH_MIN && /\d/.test(tight) && compact(this.#text).includes(tight);
  }

  snapshot(): { readonly values: readonly string[]; readonly text: string; readonly isLost: boolean } {
    return { values: [...this.#values], text: this.#text, isLost: this.#isLost };
  }

  static restore(snapshot: unknown): TextIndex | undefined {
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    const { values, text, isLost } = snapshot as { values?: unknown; text?: unknown; isLost?: unknown };
    if (!Array.isArray(values) || values.length > SEEN_VALUE_COUNT_MAX || typeof text !== "string") return undefined;
    if (text.length > SEEN_TEXT_LENGTH_MAX * 2 || typeof isLost !== "boolean") return undefined;
    const index = new TextIndex();
    for (const value of values) {
      if (typeof value !== "string") return undefined;
      index.#keep(value);
    }
    index.#text = text;
    index.#isLost = isLost || index.#isLost;
    return index;
  }

  #keep(value: string): void {
    if (value.length > SEEN_VALUE_LENGTH_MAX || (this.#values.size >= SEEN_VALUE_COUNT_MAX && !this.#values.has(value))) {
      this.#isLost = true;
      return;
    }
    this.#values.add(value);
  }
}

/** Whether the text has these words, not as a part of longer ones. */
function hasWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const isStart = at === 0 || !isWordCharacter(text.charAt(at - 1)) || !isWordCharacter(words.charAt(0));
    const end = at + words.length;
    const isEnd = end >= text.length || !isWordCharacter(text.charAt(end)) || !isWordCharacter(words.charAt(words.length - 1));
    if (isStart && isEnd) return true;
  }
  return false;
}

function isWordCharacter(character: string): boolean {
  return /[\p{L}\p{N}_]/u.test(character);
}
