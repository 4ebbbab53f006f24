import { describe, expect, it } from "vitest";
import { readJsonText, type TextReading } from "./json-text.ts";

const whole = (format: TextReading["format"], value: unknown): unknown => ({ value, format, complete: true });
const cut = (format: TextReading["format"], value: unknown): unknown => ({ value, format, complete: false });

describe("readJsonText: JSON", () => {
  it("reads objects and lists", () => {
    expect(readJsonText(' {"a": [1, {"b": null}]}\n')).toEqual(whole("json", { a: [1, { b: null }] }));
    expect(readJsonText("[]")).toEqual(whole("json", []));
    expect(JSON.stringify(readJsonText('{"__proto__": 1}')?.value)).toBe('{"__proto__":1}');
  });

  it("reads one value on each line", () => {
    expect(readJsonText('{"a": 1}\n{"a": 2}\n')).toEqual(whole("lines", [{ a: 1 }, { a: 2 }]));
  });

  it("reads inside a code fence", () => {
    expect(readJsonText('```json\n{"a": 1}\n```')).toEqual(whole("json", { a: 1 }));
    expect(readJsonText("```\n- a: 1\n  b: 2\n```\n")).toEqual(whole("yaml", [{ a: 1, b: 2 }]));
  });

  it("keeps what was whole before a cut", () => {
    expect(readJsonText('[{"id": 1, "to": "a"}, {"id": 2, "to": "b')).toEqual(
      cut("json", [{ id: 1, to: "a" }, { id: 2 }]),
    );
    expect(readJsonText('{"a": 1, "b": [1, 2, 3')).toEqual(cut("json", { a: 1, b: [1, 2] }));
    expect(readJsonText('{"a": 1, "b": tr')).toEqual(cut("json", { a: 1 }));
    expect(readJsonText('{"a": 1, "b"')).toEqual(cut("json", { a: 1 }));
    expect(readJsonText('{"a": 1,')).toEqual(cut("json", { a: 1 }));
    expect(readJsonText('[1, {"name"')).toEqual(cut("json", [1, {}]));
    expect(readJsonText('[{"name"')).toEqual(cut("json", [{}]));
    expect(readJsonText('{"a')).toBe(undefined);
    expect(readJsonText("[")).toBe(undefined);
  });

  it("reads neither lone values nor broken text", () => {
    const texts = [
      "",
      "255.0",
      '"text"',
      "null",
      "true",
      "{a b}",
      '{"a": 1} and more',
      "[1 2]",
      '{"a" 1}',
      "{]",
      '{"a":}',
    ];
    expect(texts.map(readJsonText)).toEqual(texts.map(() => undefined));
  });

  it("stops at its bounds", () => {
    expect(readJsonText(`${"[".repeat(33)}${"]".repeat(33)}`)).toEqual(
      whole("json", JSON.parse(`${"[".repeat(33)}${"]".repeat(33)}`)),
    );
    expect(readJsonText(`${"[".repeat(34)}${"]".repeat(34)}`)).toBe(undefined);
    expect(readJsonText("[".repeat(200_000))).toBe(undefined);
    expect(readJsonText(`[${"1,".repeat(10_000)}1]`)).toBe(undefined);
    expect(readJsonText(`["${"x".repeat(262_144)}"]`)).toBe(undefined);
  });
});

describe("readJsonText: literals", () => {
  it("reads what Python prints", () => {
    expect(readJsonText("{'message': 'Transaction to UK123 for 98.7 sent.'}")).toEqual(
      whole("literal", { message: "Transaction to UK123 for 98.7 sent." }),
    );
    expect(readJsonText("[{'a': True, 'b': None, \"it's\": -1.5e+3}, (1, 'x'), {1, 2}]")).toEqual(
      whole("literal", [{ a: true, b: null, "it's": -1500 }, [1, "x"], [1, 2]]),
    );
    expect(readJsonText("{'q': 'it\\'s \\n \\xe9 \\u20ac \\U0001f600', 1: [], 'e': {}, 't': (1,), 'n': nan}")).toEqual(
      whole("literal", { q: "it's \n é € 😀", "1": [], e: {}, t: [1], n: "nan" }),
    );
    expect(readJsonText("{'at': datetime.date(2024, 5, 1), 'sum': Decimal('1.50'), 'id': UUID(\"ab-c\")}")).toEqual(
      whole("literal", { at: "datetime.date(2024, 5, 1)", sum: "1.50", id: "ab-c" }),
    );
    expect(readJsonText("{'iban': 12345678901234567890}")).toEqual(whole("literal", { iban: "12345678901234567890" }));
  });

  it("reads what JavaScript prints", () => {
    expect(readJsonText("{ a: 1, 'b-c': [ 'x', undefined ], d: 'one\\n' +\n    'two' }")).toEqual(
      whole("literal", { a: 1, "b-c": ["x", null], d: "one\ntwo" }),
    );
  });

  it("keeps what was whole before a cut", () => {
    expect(readJsonText("[{'id': 1}, {'id': 2, 'to': 'b")).toEqual(cut("literal", [{ id: 1 }, { id: 2 }]));
    expect(readJsonText("{'a': 1, 'b': Decimal('1")).toEqual(cut("literal", { a: 1 }));
  });

  it("refuses what it does not surely know", () => {
    const texts = [
      "{'a': <object at 0x7f>}",
      "{'a': foo}",
      "[Circular *1]",
      "{'a': 1 'b': 2}",
      "{'a': 'x\ny'}",
      "{[1]: 2}",
    ];
    expect(texts.map(readJsonText)).toEqual(texts.map(() => undefined));
  });
});
