import type { DetectorId } from "@handlebar/protocol";
import { expect } from "vitest";
import { detect } from "./detect.ts";
import { maskText } from "./mask.ts";

/** Texts in which what a detector has to find, and nothing else, stands between « and ». */
export type Corpus = Partial<Record<DetectorId, readonly string[]>>;

/** A text with what a detector finds in it between « and ». */
export const label = (text: string, id: DetectorId): string =>
  maskText(text, detect(text, [id]).findings, (_, found) => `«${found}»`);

export function rowsOf(corpus: Corpus): readonly (readonly [id: DetectorId, labelled: string])[] {
  return (Object.entries(corpus) as [DetectorId, readonly string[]][]).flatMap(([id, texts]) =>
    texts.map((labelled) => [id, labelled] as const),
  );
}

export function expectLabelled(id: DetectorId, labelled: string): void {
  expect(label(labelled.replaceAll(/[«»]/g, ""), id)).toBe(labelled);
}
