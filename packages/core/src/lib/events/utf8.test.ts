import { describe, expect, it } from "vitest";
import { cutJsonString, jsonStringSizeBytes, utf8SizeBytes } from "./utf8.ts";

const SAMPLES = ["", "plain", "é", "€uro", "😀", "a😀b€cé", "\ud800 alone", "x\udc00", 'quote " and \\ and \u0001'];

describe("utf8SizeBytes", () => {
  it("counts as the platform encodes", () => {
    for (const text of SAMPLES) expect(utf8SizeBytes(text)).toBe(new TextEncoder().encode(text).length);
  });

  it("counts texts longer than its scratch memory, also across a surrogate pair", () => {
    for (const lead of [0, 1, 2, 3]) {
      const text = "a".repeat(lead) + "😀€".repeat(20_000);
      expect(utf8SizeBytes(text)).toBe(lead + 7 * 20_000);
    }
  });
});

describe("cutJsonString", () => {
  it("keeps whole characters and stays within the bound", () => {
    for (const text of SAMPLES) {
      for (let bound = 0; bound < 20; bound++) {
        const cut = cutJsonString(text, bound);
        expect(text.startsWith(cut)).toBe(true);
        expect(jsonStringSizeBytes(cut)).toBeLessThanOrEqual(bound);
      }
    }
    expect(cutJsonString("a😀b", 5)).toBe("a😀");
    expect(cutJsonString("a😀b", 4)).toBe("a");
  });
});
