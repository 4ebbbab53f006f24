import { describe, expect, it } from "vitest";
import { SEEN_TEXT_LENGTH_MAX, SEEN_VALUE_COUNT_MAX } from "../limits.ts";
import { soughtOf, TOO_LONG } from "./sought.ts";
import { type Keeping, TextIndex } from "./text-index.ts";

function find(index: TextIndex, value: string | number, left = 1_000_000): boolean | undefined {
  const sought = soughtOf(value);
  if (sought === undefined || sought === TOO_LONG) throw new Error("looks for nothing");
  return index.has(sought, { left });
}

function textIndex(text: string, keeping: Keeping = "first"): TextIndex {
  const index = new TextIndex(keeping);
  index.addText(text);
  return index;
}

describe("a text that was seen", () => {
  const index = textIndex(
    "Hi! Send 98.70 and then $1,200 to GB29 NWBK 6016 1331 9268 19, and email John.Smith@x.com and mary@y.org. " +
      'Cc: <bo@z.net>, "Sarah Baker", @dora. See https://example.com/a/b?c=d#e or call +1 (555) 123-4567. ' +
      "Rename 'report-v2.final.pdf' to ../notes.txt, use the password `Xy!23?z`. Tell Kim's team: room 4.5, June 13.",
  );

  it.each([
    "98.7",
    98.7,
    1200,
    "1,200.00",
    "GB29NWBK60161331926819",
    "gb29 nwbk 6016 1331 9268 19",
    "john.smith@x.com",
    "JOHN.SMITH@X.COM",
    "mary@y.org",
    "bo@z.net",
    "Sarah Baker",
    "sarah   baker",
    "Sarah",
    "dora",
    "@dora",
    "https://example.com/a/b?c=d#e",
    "example.com/a/b?c=d#e",
    "example.com",
    "+15551234567",
    "555 123 4567",
    "report-v2.final.pdf",
    "../notes.txt",
    "Xy!23?z",
    "Kim",
    "Kim's team",
    "13",
    13,
    4.5,
    "room 4.5",
    "and mary@y.org. Cc",
  ])("holds %j", (value) => {
    expect(find(index, value)).toBe(true);
  });

  it.each([
    "smith@x.com",
    "john.smith@x.co",
    "x.com",
    "x.com.evil.net",
    "mary@y.org.evil.net",
    "evilmary@y.org",
    "GB29NWBK6016133192681",
    "9268 1",
    "Sarah Bake",
    "Baker Sarah",
    "8.7",
    98,
    4,
    5,
    200,
    "final.pdf",
    "notes.txt/etc",
    "example.com/other",
    "evil.example.com",
    "Spotify",
    "rename notes",
  ])("does not hold %j", (value) => {
    expect(find(index, value)).toBe(false);
  });
});

describe("a value that was seen", () => {
  it("is found as a whole, however it is written, and not by a part of it", () => {
    const index = new TextIndex("last");
    index.addValue("Ana, see eve@evil.net");
    index.addValue("GB29 NWBK 6016 1331 9268 19");
    index.addValue(1200.5);
    index.addValue("https://x.com/");
    expect(find(index, "ana, see EVE@evil.net")).toBe(true);
    expect(find(index, "eve@evil.net")).toBe(false);
    expect(find(index, "GB29NWBK60161331926819")).toBe(true);
    expect(find(index, "$1,200.50")).toBe(true);
    expect(find(index, "x.com")).toBe(true);
    expect(find(index, "ana")).toBe(false);
  });
});

describe("bounds", () => {
  const wordOf = (at: number): string => `w${at}`;

  it("keeps the first texts of the prompt and says that others are lost", () => {
    const index = textIndex("first@x.com", "first");
    for (let at = 0; at < 12; at += 1) index.addText(`${"filler ".repeat(2_000)} block${at}`);
    index.addText("last@x.com");
    expect(find(index, "first@x.com")).toBe(true);
    expect(find(index, "last@x.com")).toBe(false);
    expect(index.isLost).toBe(true);
  });

  it("keeps the last texts of results and says that others are lost", () => {
    const index = textIndex("first words here", "last");
    for (let at = 0; at < 12; at += 1) index.addText(`${"filler ".repeat(2_000)} block${at}`);
    index.addText("last words here");
    expect(find(index, "first words")).toBe(false);
    expect(find(index, "last words")).toBe(true);
    expect(index.isLost).toBe(true);
  });

  it("keeps no half of a word at a cut", () => {
    const index = textIndex(`${"a".repeat(SEEN_TEXT_LENGTH_MAX - 5)} ana@x.com`, "first");
    expect(find(index, "ana@")).toBe(false);
    expect(find(index, "ana@x.com")).toBe(false);
    expect(index.isLost).toBe(true);
    const blob = textIndex("b".repeat(SEEN_TEXT_LENGTH_MAX + 1), "last");
    expect(find(blob, "b".repeat(100))).toBe(false);
    expect(blob.isLost).toBe(true);
  });

  it("keeps so many values and no more", () => {
    const index = new TextIndex("last");
    for (let at = 0; at <= SEEN_VALUE_COUNT_MAX; at += 1) index.addValue(wordOf(at));
    expect(find(index, wordOf(0))).toBe(false);
    expect(find(index, wordOf(SEEN_VALUE_COUNT_MAX))).toBe(true);
    expect(index.isLost).toBe(true);
  });

  it("does not count a long text that comes again", () => {
    const index = new TextIndex("first");
    for (let at = 0; at < 50; at += 1) {
      index.addText(`the same long message with an address such as ana@x.com and ${"more words ".repeat(2_000)}`);
    }
    expect(find(index, "ana@x.com")).toBe(true);
    expect(index.isLost).toBe(false);
  });

  it("says that it does not know when the search would take too long", () => {
    const index = textIndex(`${"alpha beta ".repeat(1_000)}gamma`);
    expect(find(index, "gamma beta", 20_000)).toBe(false);
    expect(find(index, "alpha gamma", 100)).toBeUndefined();
    expect(find(index, "alpha", 100)).toBe(true);
  });

  it("is not widened by what is too long for a value", () => {
    const index = new TextIndex("last");
    index.addValue("x".repeat(600));
    expect(index.isLost).toBe(true);
    expect(find(index, "x".repeat(600))).toBe(false);
  });
});

describe("a snapshot", () => {
  it("goes on as the index does", () => {
    const index = textIndex("pay ana@x.com, please");
    expect(find(index, "ana@x.com")).toBe(true);
    index.addText("and bo@y.org too");
    index.addValue("DE89 3704");
    index.lose();
    const restored = TextIndex.restore(JSON.parse(JSON.stringify(index.snapshot())), "first");
    if (restored === undefined) throw new Error("not restored");
    for (const value of ["ana@x.com", "bo@y.org", "de89 3704", "pay ana@x.com"])
      expect(find(restored, value)).toBe(true);
    expect(find(restored, "eve@z.net")).toBe(false);
    expect(restored.isLost).toBe(true);
    expect(restored.copy().snapshot()).toEqual(restored.snapshot());
  });

  it.each([
    undefined,
    null,
    1,
    {},
    { values: [1], text: "", unread: [], isLost: false },
    { values: [], text: 1, unread: [], isLost: false },
  ])("refuses %j", (snapshot) => {
    expect(TextIndex.restore(snapshot, "first")).toBeUndefined();
  });
});
