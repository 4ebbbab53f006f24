import { describe, expect, it } from "vitest";
import { ERROR_CODES, type ErrorEntry } from "./error-codes.ts";

const ENTRIES: readonly (readonly [string, ErrorEntry])[] = Object.entries(ERROR_CODES);

describe("ERROR_CODES", () => {
  it("is sorted", () => {
    const codes = ENTRIES.map(([code]) => code);
    expect(codes).toEqual([...codes].sort());
  });

  it.each(ENTRIES)("%s has its form, and a meaning and a fix in lower case without a final period", (code, entry) => {
    expect(code).toMatch(/^HB(?:_[A-Z]+)+$/);
    for (const text of [entry.meaning, entry.fix]) {
      expect(text).toMatch(/^[^A-Z\s].*[^.\s]$/);
      expect(text).not.toContain("\n");
    }
  });
});
