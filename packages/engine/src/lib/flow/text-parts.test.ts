import { describe, expect, it } from "vitest";
import { bareForm, formsOf, partsOf, valueForms } from "./text-parts.ts";

describe("partsOf", () => {
  it("takes a text apart into words, numbers and addresses", () => {
    expect(partsOf("mail 'ana@x.com', bo <bo@y.org>; pay $1,200.50 (by 2024-05-16)!")).toEqual([
      "mail",
      "ana@x.com",
      "bo",
      "bo@y.org",
      "pay",
      "$1,200.50",
      "by",
      "2024-05-16",
      "!",
    ]);
  });
});

describe("formsOf", () => {
  it.each([
    ["ana@x.com.", ["ana@x.com.", "ana@x.com"]],
    ["@ana", ["@ana", "ana"]],
    ["98.70,", ["98.70,", "98.7"]],
    ["mailto:ana@x.com", ["mailto:ana@x.com", "ana@x.com"]],
    ["iban:de89", ["iban:de89", "de89"]],
    ["https://x.com/a/?b=1.", ["https://x.com/a/?b=1.", "https://x.com/a/?b=1", "x.com/a/?b=1", "x.com"]],
    ["ana/bo", ["ana/bo", "ana", "bo"]],
    ["1,2,3", ["1,2,3", "1", "2", "3"]],
    ["/etc/passwd", ["/etc/passwd", "etc", "passwd"]],
    ["../notes.txt", ["../notes.txt", "/notes.txt"]],
    ["!", ["!"]],
  ])("finds %j as %j", (part, forms) => {
    expect([...formsOf(part)]).toEqual(forms);
  });

  it("takes time linear in a part of punctuation alone", () => {
    const part = `${"!/".repeat(50_000)}a`;
    expect(bareForm(part).endsWith("a")).toBe(true);
    expect(formsOf(part).has(part)).toBe(true);
  });
});

describe("valueForms", () => {
  it.each([
    ["https://x.com/", ["https://x.com/", "x.com"]],
    ["@ana", ["@ana", "ana"]],
    ["mailto:ana@x.com", ["mailto:ana@x.com", "ana@x.com"]],
    ["98.70", ["98.7"]],
    ["/etc/passwd", ["/etc/passwd"]],
    ["https://x.com/a", ["https://x.com/a", "x.com/a"]],
  ])("looks for %j as %j", (value, forms) => {
    expect([...valueForms(value)]).toEqual(forms);
  });
});
