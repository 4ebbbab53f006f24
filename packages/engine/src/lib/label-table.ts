import { LABEL_COUNT_MAX } from "./limits.ts";

/** The labels of one policy set, each with its bit. */
export class LabelTable {
  readonly #bits = new Map<string, number>();

  /** In the order of their bits. */
  get names(): readonly string[] {
    return [...this.#bits.keys()];
  }

  /** The label's bit as a mask with one bit set, given to it now if need be; `undefined` when 31 labels have one. */
  maskOf(label: string): number | undefined {
    const known = this.#bits.get(label);
    if (known !== undefined) return known;
    if (this.#bits.size >= LABEL_COUNT_MAX) return undefined;
    const mask = 1 << this.#bits.size;
    this.#bits.set(label, mask);
    return mask;
  }

  /** As `maskOf`, and never gives a bit: `undefined` for a label that no policy names. */
  knownMaskOf(label: string): number | undefined {
    return this.#bits.get(label);
  }
}
