import { LABEL_COUNT_MAX } from "./limits.ts";

/** The labels that one policy set uses, each with its bit; their number is bounded by the bits of one integer. */
export class LabelTable {
  readonly #masks = new Map<string, number>();

  /** The label's mask with its one bit set, given to it now if need be; `undefined` when 31 labels have one. */
  maskOf(label: string): number | undefined {
    const known = this.#masks.get(label);
    if (known !== undefined) return known;
    if (this.#masks.size >= LABEL_COUNT_MAX) return undefined;
    const mask = 1 << this.#masks.size;
    this.#masks.set(label, mask);
    return mask;
  }
}
