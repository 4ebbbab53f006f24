import { describe, expect, it } from "vitest";
import { readJsonText } from "./json-text.ts";

function value(...lines: readonly string[]): unknown {
  const reading = readJsonText(lines.join("\n"));
  return reading?.format === "yaml" && reading.complete ? reading.value : reading;
}

describe("readJsonText: YAML", () => {
  it("reads lists of mappings", () => {
    expect(
      value(
        "- amount: 50.0",
        "  date: '2022-04-01'",
        "  id: 6",
        "  recurring: true",
        "  note: null",
        "- amount: -1100",
        "  at: 2022-04-04 10:00:00",
        "  tags: []",
        "  owner: {name: Ann, roles: [a, 'b c']}",
      ),
    ).toEqual([
      { amount: 50, date: "2022-04-01", id: 6, recurring: true, note: null },
      { amount: -1100, at: "2022-04-04 10:00:00", tags: [], owner: { name: "Ann", roles: ["a", "b c"] } },
    ]);
    expect(value("- email: ann@example.com")).toEqual([{ email: "ann@example.com" }]);
  });

  it("reads mappings with lists and mappings below, indented or not", () => {
    expect(
      value(
        "participants:",
        "- ann@example.com",
        "- bob@example.com",
        "shared_with:",
        "  ann@example.com: rw",
        "  'with: colon': r",
        "nested:",
        "  - - 1",
        "    - 2",
        "  -",
        "    a: x",
        "empty:",
        "last: done",
      ),
    ).toEqual({
      participants: ["ann@example.com", "bob@example.com"],
      shared_with: { "ann@example.com": "rw", "with: colon": "r" },
      nested: [[1, 2], { a: "x" }],
      empty: null,
      last: "done",
    });
  });

  it("reads scalars over several lines", () => {
    expect(
      value(
        "body: 'Hi Emma,",
        "",
        "",
        "  I''m planning a party",
        "  for John.",
        "",
        "  Lily'",
        "plain: Don't",
        "  miss this",
        "",
        "  opportunity",
        'double: "one\\n  two \\',
        "  \\ three\\xE9\\u20AC",
        '  four"',
        "literal: |",
        "  a",
        "    b",
        "",
        "  c",
        "folded: >-",
        "  a",
        "  b",
        "",
        "  c",
        "   d",
        "kept: |+",
        "  x",
        "",
        "end: yes",
      ),
    ).toEqual({
      body: "Hi Emma,\n\nI'm planning a party for John.\nLily",
      plain: "Don't miss this\nopportunity",
      double: "one\n  two  threeé€ four",
      literal: "a\n  b\n\nc\n",
      folded: "a b\nc\n d",
      kept: "x\n\n",
      end: "yes",
    });
  });

  it("reads flow mappings, over several lines too", () => {
    expect(value("{name: Ann, tags: [a, b], note: 'one", "", "    two', zip: 01234}")).toEqual({
      name: "Ann",
      tags: ["a", "b"],
      note: "one\ntwo",
      zip: "01234",
    });
  });

  it("keeps as text what is not surely a number", () => {
    expect(value("- zip: 01234", "  iban: 12345678901234567890", "  e: 1e5", "  f: 1.5e+3", "  v: 1.2.3")).toEqual([
      { zip: "01234", iban: "12345678901234567890", e: "1e5", f: 1500, v: "1.2.3" },
    ]);
  });

  it("reads comments, document marks and Windows line ends", () => {
    expect(value("---", "a: 1 # one", "# more", "b: x#y", "...")).toEqual({ a: 1, b: "x#y" });
    expect(value("a: 1\r", "b: 'x\r", "", "  y'\r", "c: z\r")).toEqual({ a: 1, b: "x\ny", c: "z" });
  });

  it("does not take prose for data", () => {
    const prose = [
      "Error: gift card balance is not enough",
      "Dear all: the meeting is at 5",
      "Note: call me\nThanks: a lot to everyone\nBest regards",
      "Subject: hello\n\nThis is the text.",
      "- buy milk",
      "Email with id 34 deleted successfully.",
      "Total price: 5\nShipping cost: 3",
      "key: value: more\nb: 1",
      "2024-05-15",
      "[INFO] all: done",
      "[see above, thanks]",
      "# Title\nAuthor: Ann\nDate: today",
      "Bill for December\n-----\nService\t\tAmount\nIBAN: UK12",
    ];
    expect(prose.map(readJsonText)).toEqual(prose.map(() => undefined));
  });

  it("refuses what it would have to guess", () => {
    const texts = [
      "a: 1\na: 2",
      "a: &x 1\nb: *x",
      "a: !!python/object x\nb: 1",
      "a: 1\n   b: 2",
      "a:\n\t- b\nc: 1",
      "a: 'x' y\nb: 1",
      "a: 'one\ntwo'\nb: 1",
      "a: [1, 2\nb: 1",
      "? a\n: b",
      "a: 1\n---\na: 2",
      "- a: 1\n b: 2",
      'a: "\\q"\nb: 1',
      "a: |9x\nb: 1",
    ];
    expect(texts.map(readJsonText)).toEqual(texts.map(() => undefined));
  });

  it("keeps what was whole before a cut", () => {
    expect(readJsonText("- id: 1\n  body: 'one\n\n    two'\n- id: 2\n  body: 'three\n\n    fo")).toEqual({
      value: [{ id: 1, body: "one\ntwo" }, { id: 2 }],
      format: "yaml",
      complete: false,
    });
    const long = Array.from({ length: 100 }, (_, index) => `- id: ${index}\n  name: n`);
    const items = Array.from({ length: 100 }, (_, id) => ({ id, name: "n" }));
    expect(readJsonText(`${long.join("\n")}\n- id: 100\n  na`)).toEqual({
      value: [...items, { id: 100 }],
      format: "yaml",
      complete: false,
    });
    expect(readJsonText(`${long.join("\n")}\n- id: 100\n  at: 2024-01-05 15:`)).toEqual({
      value: [...items, { id: 100 }],
      format: "yaml",
      complete: false,
    });
  });

  it("stops at its bounds, in linear time", () => {
    const deep = Array.from({ length: 40 }, (_, index) => `${" ".repeat(index)}a:`).join("\n");
    expect(readJsonText(`${deep} 1`)).toBe(undefined);
    expect(readJsonText(`${"- ".repeat(40)}1`)).toBe(undefined);
    expect(readJsonText("- a: 1\n".repeat(20_000))).toBe(undefined);
    expect(readJsonText(`a: '${"x\n\n ".repeat(50_000)}\nb: 1`)).toBe(undefined);
    expect(readJsonText(`a: ${"[".repeat(100_000)}\nb: 1`)).toBe(undefined);
    expect(readJsonText(`a: "${"\\\n ".repeat(60_000)}"\nb: 1`)?.value).toEqual({ a: "", b: 1 });
  });
});
