import type { DetectorId } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { detect } from "./detect.ts";
import { maskText } from "./mask.ts";

/** Texts in which what a detector has to find, and nothing else, stands between « and ». */
export type Corpus = Partial<Record<DetectorId, readonly string[]>>;

/** A text with what a detector finds in it between « and ». */
export const label = (text: string, id: DetectorId): string =>
  maskText(text, detect(text, [id]).findings, (_, found) => `«${found}»`);

export function testCorpus(corpus: Corpus): void {
  for (const [id, texts] of Object.entries(corpus) as [DetectorId, readonly string[]][]) {
    describe(id, () => {
      it.each(texts)("%s", (labelled) => {
        expect(label(labelled.replaceAll(/[«»]/g, ""), id)).toBe(labelled);
      });
    });
  }
}
