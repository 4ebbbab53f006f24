import { digitsOf } from "./characters.ts";
import { wordsAround } from "./context.ts";
import type { Scan } from "./scan.ts";

/** A match that waits for its detector's confirmation. */
export class Candidate {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly #scan: Scan;
  #surroundings: string | undefined;

  constructor(scan: Scan, start: number, end: number) {
    this.text = scan.text;
    this.start = start;
    this.end = end;
    this.#scan = scan;
  }

  get matched(): string {
    return this.text.slice(this.start, this.end);
  }

  get digits(): string {
    return digitsOf(this.matched);
  }

  /** Whether one of these words stands beside the match or in the name of the property that holds it. */
  isNamed(words: RegExp): boolean {
    if (this.#scan.property !== "" && words.test(this.#scan.propertyWords)) return true;
    this.#surroundings ??= wordsAround(this.text, this.start, this.end);
    return words.test(this.#surroundings);
  }
}
