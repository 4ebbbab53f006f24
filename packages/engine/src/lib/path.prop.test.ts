import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Path, type PathStep, parsePath, pathCovers, printPath } from "./path.ts";
import { mapPath } from "./path-map.ts";
import { readPath, walkLeaves } from "./path-read.ts";

const name = fc.oneof(
  fc.constantFrom("a", "b", "0", "x.y", "", "__proto__", "it's", 'say "hi"', "[0]", "*", "\n", "\ud800", "é 😀"),
  fc.string({ maxLength: 6, unit: "binary" }),
);
const step: fc.Arbitrary<PathStep> = fc.oneof(
  name.map((text): PathStep => ({ kind: "key", name: text })),
  fc.integer({ min: 0, max: 9_999 }).map((index): PathStep => ({ kind: "index", index })),
  fc.constantFrom<PathStep>({ kind: "each" }, { kind: "any" }),
);
const anyPath: fc.Arbitrary<Path> = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([steps, isOpen]) => (isOpen ? [...steps, { kind: "leaves" } as const] : steps));

const shortKey = fc.constantFrom("a", "b", "0");
const smallStep: fc.Arbitrary<PathStep> = fc.oneof(
  shortKey.map((text): PathStep => ({ kind: "key", name: text })),
  fc.constantFrom<PathStep>(
    { kind: "index", index: 0 },
    { kind: "index", index: 1 },
    { kind: "each" },
    { kind: "any" },
  ),
);
const smallPath: fc.Arbitrary<Path> = fc
  .tuple(fc.array(smallStep, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([steps, isOpen]) => (isOpen ? [...steps, { kind: "leaves" } as const] : steps));

/** Every leaf is a text of its own, so that it says where it stood. */
const tree: fc.Arbitrary<unknown> = fc
  .letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constant("leaf"),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(shortKey, tie("node"), { maxKeys: 3 }),
    ),
  }))
  .node.map((value) => {
    let count = 0;
    return JSON.parse(JSON.stringify(value), (_, inner: unknown) => (inner === "leaf" ? `leaf${count++}` : inner));
  });

const isLeaf = (value: unknown): boolean => typeof value !== "object" || value === null;

describe("paths", () => {
  it("print what parses to the same path", () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const text = printPath(path);
        fc.pre(text.length <= 512);
        expect(parsePath(text)).toEqual(path);
      }),
      { numRuns: 4_000 },
    );
  });

  it("parse or explain any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", ".", "[", "]", '"', "'", "*", "0", "\\", "\n") }), (text) => {
        const parsed = parsePath(text);
        if (typeof parsed === "string") expect(parsed).not.toBe("");
        else expect(parsePath(printPath(parsed))).toEqual(parsed);
      }),
      { numRuns: 4_000 },
    );
  });

  it("read without throwing from any value", () => {
    const hostile = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(hostile, anyPath, (value, path) => {
        const { values, absent, mistyped, exceeded } = readPath(value, path);
        expect(absent).toBe(values.length === 0 && !mistyped && !exceeded);
      }),
      { numRuns: 3_000 },
    );
  });

  it("cover only what they read", () => {
    fc.assert(
      fc.property(tree, smallPath, smallPath, (value, wide, narrow) => {
        if (!pathCovers(wide, narrow)) return;
        const reached = new Set(readPath(value, wide).values);
        expect(readPath(value, narrow).values.filter((leaf) => isLeaf(leaf) && !reached.has(leaf))).toEqual([]);
      }),
      { numRuns: 4_000 },
    );
  });

  it("replace exactly the leaves that they read", () => {
    fc.assert(
      fc.property(tree, smallPath, (value, path) => {
        const before = JSON.stringify(value);
        const reading = readPath(value, path);
        const mapping = mapPath(value, path, { replace: (found) => (isLeaf(found) ? `[${String(found)}]` : found) });
        expect(mapping.count).toBe(reading.values.length);
        expect(mapping.mistyped).toBe(reading.mistyped);
        const leaves: unknown[] = [];
        walkLeaves(mapping.value, (leaf) => leaves.push(leaf));
        const expected: unknown[] = [];
        const read = new Set(reading.values);
        walkLeaves(value, (leaf) => expected.push(read.has(leaf) ? `[${String(leaf)}]` : leaf));
        expect(leaves).toEqual(expected);
        expect(JSON.stringify(value)).toBe(before);
      }),
      { numRuns: 4_000 },
    );
  });
});
