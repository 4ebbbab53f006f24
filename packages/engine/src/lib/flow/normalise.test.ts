import { describe, expect, it } from "vitest";
import { bareAddress, canonicalNumber, compactIdentifier, normaliseText } from "./normalise.ts";

describe("normaliseText", () => {
  it.each([
    ["  Ana\t\n SMITH ", "ana smith"],
    ["ｊｏｈｎ＠x.com", "john@x.com"],
    ["", ""],
    [" \n", ""],
  ])("writes %j as %j", (text, normal) => {
    expect(normaliseText(text)).toBe(normal);
  });
});

describe("canonicalNumber", () => {
  it.each([
    ["98.70", "98.7"],
    ["98.7", "98.7"],
    ["1,200", "1200"],
    ["1,200.50", "1200.5"],
    ["12,50", "12.5"],
    ["$100", "100"],
    ["-$1,000.00", "-1000"],
    ["100 €", "100"],
    ["10%", "10"],
    ["+7", "7"],
    ["0", "0"],
    ["0.10", "0.1"],
    ["123456789012345", "123456789012345"],
  ])("reads %j as %j", (text, number) => {
    expect(canonicalNumber(text)).toBe(number);
  });

  it.each([
    "",
    "007",
    "1234567890123456",
    "1e3",
    "12,5000",
    "1,2,3",
    "1.2.3",
    "2024-05-16",
    "abc",
    "-",
    "$",
    "1".repeat(1_000),
  ])("takes %j for no number", (text) => {
    expect(canonicalNumber(text)).toBeUndefined();
  });
});

describe("compactIdentifier", () => {
  it.each([
    ["gb29 nwbk 6016 1331 9268 19", "gb29nwbk60161331926819"],
    ["4111-1111-1111-1111", "4111111111111111"],
    ["+1 (555) 123-4567", "15551234567"],
    ["gb29nwbk60161331926819", "gb29nwbk60161331926819"],
  ])("writes %j as %j", (text, compact) => {
    expect(compactIdentifier(text)).toBe(compact);
  });

  it.each(["12 345", "ana smith the third", "192.168.10.11", "ana2024@x.com", "1".repeat(200), "room 12 a b c d"])(
    "takes %j for no identifier",
    (text) => {
      expect(compactIdentifier(text)).toBeUndefined();
    },
  );
});

describe("bareAddress", () => {
  it("gives the address after a name", () => {
    expect(bareAddress("Ana Smith <ana@x.com>")).toBe("ana@x.com");
    expect(bareAddress("<ana@x.com>")).toBe("ana@x.com");
  });

  it("gives none where two could be meant, or where there is none", () => {
    expect(bareAddress("ana@x.com <eve@y.com>")).toBeUndefined();
    expect(bareAddress("Ana <ana@x.com> <eve@y.com>")).toBeUndefined();
    expect(bareAddress("Ana <home>")).toBeUndefined();
    expect(bareAddress("ana@x.com")).toBeUndefined();
  });
});
