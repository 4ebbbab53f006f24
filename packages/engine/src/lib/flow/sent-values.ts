import { SEEN_VALUE_COUNT_MAX, SEEN_VALUE_LENGTH_MAX, TEXT_LENGTH_MAX } from "../limits.ts";
import { isTexts } from "./is-texts.ts";
import { compactIdentifier, normaliseText } from "./normalise.ts";
import { formsOf, partsOf, valueForms } from "./text-parts.ts";

/** Shorter values, such as a count or a page number, meet by chance. */
const ECHO_LENGTH_MIN = 4;

/**
 * What the agent itself put into calls. A tool that hands such a value back, at once or when asked later, vouches for
 * nothing: otherwise an attacker's account number, written into a record and read again, would come from a record.
 */
export class SentValues {
  #values: Set<string> | undefined;
  #isFull = false;

  /** Takes an argument in: as a whole, and the addresses and identifiers in it. */
  add(value: string | number): void {
    const text = String(value);
    if (text.length > TEXT_LENGTH_MAX) this.lose();
    if (this.#isFull) return;
    const normal = normaliseText(text);
    for (const form of wholeForms(normal)) this.#keep(form);
    if (typeof value !== "string") return;
    for (const part of partsOf(normal)) if (isIdentifier(part)) for (const form of formsOf(part)) this.#keep(form);
  }

  /** Something was sent that is not kept: everything may have been sent. */
  lose(): void {
    this.#isFull = true;
    this.#values = undefined;
  }

  /** Whether a value was sent, or may have been. */
  has(value: string | number): boolean {
    if (this.#isFull) return true;
    if (this.#values === undefined) return false;
    for (const form of wholeForms(normaliseText(String(value)))) if (this.#values.has(form)) return true;
    return false;
  }

  /** The stretches of a text between the values that were sent. */
  others(text: string): readonly string[] {
    if (this.#isFull) return [];
    if (this.#values === undefined) return [text];
    const stretches: string[][] = [[]];
    for (const word of text.split(/(?<=\s)(?=\S)/)) {
      if (this.#isIn(word)) stretches.push([]);
      else stretches.at(-1)?.push(word);
    }
    return stretches.map((words) => words.join(""));
  }

  snapshot(): { readonly values: readonly string[]; readonly isFull: boolean } {
    return { values: [...(this.#values ?? [])], isFull: this.#isFull };
  }

  /** What a snapshot holds, which may come from outside; `undefined` when it is none. */
  static restore(snapshot: unknown): SentValues | undefined {
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    const { values, isFull } = snapshot as { values?: unknown; isFull?: unknown };
    if (!isTexts(values) || typeof isFull !== "boolean") return undefined;
    const sent = new SentValues();
    for (const value of values) sent.#keep(value);
    if (isFull) sent.lose();
    return sent;
  }

  /** Takes in what another run sent. */
  join(other: SentValues): void {
    if (other.#isFull) this.lose();
    for (const value of other.#values ?? []) this.#keep(value);
  }

  #isIn(word: string): boolean {
    for (const part of partsOf(normaliseText(word))) {
      for (const form of formsOf(part)) if (this.#values?.has(form) === true) return true;
    }
    return false;
  }

  #keep(value: string): void {
    if (this.#isFull || value.length < ECHO_LENGTH_MIN || value.length > SEEN_VALUE_LENGTH_MAX) return;
    this.#values ??= new Set();
    this.#values.add(value);
    if (this.#values.size > SEEN_VALUE_COUNT_MAX) this.lose();
  }
}

function wholeForms(normal: string): readonly string[] {
  const compact = compactIdentifier(normal);
  return compact === undefined ? [...valueForms(normal)] : [...valueForms(normal), compact];
}

/** Whether a part names somebody or something rather than being a word. */
function isIdentifier(part: string): boolean {
  return /[\d@]/.test(part) || /\w[./]\w/.test(part);
}
