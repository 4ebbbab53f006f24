import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob, globCovers, globsDisjoint } from "./glob.ts";

/** The definition, by recursion over code points. */
function reference(pattern: readonly string[], text: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return text.length === 0;
  if (head === "*") return reference(rest, text) || (text.length > 0 && reference(pattern, text.slice(1)));
  return text.length > 0 && (head === "?" || head === text[0]) && reference(rest, text.slice(1));
}

const symbols = (...choices: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...choices), { maxLength: 7 }).map((all) => all.join(""));

function textsUpTo(length: number): readonly string[] {
  let last = [""];
  const texts = [""];
  for (let size = 1; size <= length; size += 1) {
    last = last.flatMap((text) => ["a", "b", "c"].map((character) => text + character));
    texts.push(...last);
  }
  return texts;
}

describe("globs", () => {
  it("match as their definition says", () => {
    const pattern = symbols("a", "b", "*", "?", "/", "😀", "\ud83d", "\ude00");
    const text = symbols("a", "b", "/", "😀", "é", "\ud83d", "\ude00");
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        expect(compileGlob(glob)(subject)).toBe(reference([...glob], [...subject]));
      }),
      { numRuns: 5_000 },
    );
  });

  it("cover only what they match, and are disjoint exactly when they share no text", () => {
    const texts = textsUpTo(6);
    const pattern = fc.array(fc.constantFrom("a", "b", "*", "?"), { maxLength: 3 }).map((all) => all.join(""));
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const isLeft = compileGlob(left);
        const isRight = compileGlob(right);
        if (globCovers(left, right)) expect(texts.filter((text) => isRight(text) && !isLeft(text))).toEqual([]);
        expect(globsDisjoint(left, right)).toBe(!texts.some((text) => isLeft(text) && isRight(text)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("cover themselves, and `*` covers all", () => {
    fc.assert(
      fc.property(symbols("a", "b", "*", "?", "😀"), (glob) => {
        expect(globCovers("*", glob)).toBe(true);
        if (!/\*\?|\?\*/.test(glob)) expect(globCovers(glob, glob)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
