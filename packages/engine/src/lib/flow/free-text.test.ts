import { describe, expect, it } from "vitest";
import { FREE_TEXT_LENGTH_MIN } from "../limits.ts";
import { isFreeText, isProse } from "./free-text.ts";
import { type SeenLeaf, walkResult } from "./result-walk.ts";

function leaves(value: unknown): { readonly found: readonly SeenLeaf[]; readonly isCut: boolean } {
  const found: SeenLeaf[] = [];
  const isCut = walkResult(value, (leaf) => found.push(leaf));
  return { found, isCut };
}

describe("isFreeText", () => {
  it.each(["subject", "Body", "short_description", "remittance-information", "notes", "title"])(
    "takes a short text in `%s` for free text",
    (field) => {
      expect(isFreeText("hi", field)).toBe(true);
    },
  );

  it.each(["recipient", "location", "filename", "email", "status", undefined])(
    "takes one in `%s` for a value",
    (field) => {
      expect(isFreeText("hi there", field)).toBe(false);
    },
  );

  it("takes a long or many-line text for free text wherever it stands", () => {
    expect(isFreeText("x".repeat(FREE_TEXT_LENGTH_MIN), "recipient")).toBe(true);
    expect(isFreeText("x".repeat(FREE_TEXT_LENGTH_MIN - 1), "recipient")).toBe(false);
    expect(isFreeText("a\nb", "recipient")).toBe(true);
  });
});

describe("isProse", () => {
  it("tells a sentence from one word", () => {
    expect(isProse("Transaction sent")).toBe(true);
    expect(isProse(" DE89370400440532013000\n")).toBe(true);
    expect(isProse("DE89370400440532013000")).toBe(false);
    expect(isProse("2024-05-15")).toBe(false);
  });
});

describe("walkResult", () => {
  it("visits values and names, and knows which are free text", () => {
    const value = { id: 7, notes: ["a", { by: "ana" }], shared: { "ana@x.com": "rw" }, ok: true, none: null };
    expect(leaves(value)).toEqual({
      found: [
        { value: "id", isFreeText: false },
        { value: 7, isFreeText: false },
        { value: "notes", isFreeText: false },
        { value: "a", isFreeText: true },
        { value: "by", isFreeText: false },
        { value: "ana", isFreeText: false },
        { value: "shared", isFreeText: false },
        { value: "ana@x.com", isFreeText: false },
        { value: "rw", isFreeText: false },
        { value: "ok", isFreeText: false },
        { value: "none", isFreeText: false },
      ],
      isCut: false,
    });
  });

  it("stops at its bounds, and at what throws, and says so", () => {
    expect(leaves(Array.from({ length: 20_000 }, () => "x"))).toMatchObject({ isCut: true });
    let deep: unknown = "x";
    for (let depth = 0; depth < 100; depth += 1) deep = [deep];
    expect(leaves(deep)).toEqual({ found: [], isCut: true });
    const circle: unknown[] = [];
    circle.push(circle);
    expect(leaves(circle)).toEqual({ found: [], isCut: true });
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    expect(leaves({ a: hostile })).toEqual({ found: [{ value: "a", isFreeText: false }], isCut: true });
  });
});
