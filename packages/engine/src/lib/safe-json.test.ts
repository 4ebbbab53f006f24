import type { JsonValue } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFaithful, type PlainNotes, toPlain } from "./safe-json.ts";

function plain(value: unknown): readonly [JsonValue, readonly string[]] {
  const { value: copied, notes } = toPlain(value);
  return [copied, (Object.keys(notes) as (keyof PlainNotes)[]).filter((note) => notes[note])];
}

describe("toPlain", () => {
  it("copies JSON as it is", () => {
    const value = { a: [1, "x", null, true, { b: {} }], c: -0.5 };
    const { value: copied, notes } = toPlain(value);
    expect(copied).toEqual(value);
    expect(copied).not.toBe(value);
    expect(isFaithful(notes)).toBe(true);
  });

  it("says what JSON cannot say with markers and notes", () => {
    expect(plain(12n)).toEqual(["12n", ["bigint"]]);
    expect(plain(10n ** 200n)).toEqual(["[bigint]", ["exceeded", "bigint"]]);
    expect(plain([Number.NaN, Number.NEGATIVE_INFINITY])).toEqual([["NaN", "-Infinity"], ["nonFinite"]]);
    expect(plain({ f: () => 1, s: Symbol("s") })).toEqual([{ f: "[function]", s: "[symbol]" }, ["opaque"]]);
    expect(plain("a\ud800b")).toEqual(["a\ufffdb", ["illFormed"]]);
    expect(plain({ "k\udc00": 1 })).toEqual([{ "k\ufffd": 1 }, ["illFormed"]]);
  });

  it("leaves undefined out of objects", () => {
    expect(plain({ a: undefined, b: [undefined] })).toEqual([{ b: [null] }, []]);
    expect(plain(undefined)).toEqual([null, []]);
  });

  it("copies what has a sensible form", () => {
    const error = Object.assign(new TypeError("bad", { cause: "why" }), { code: "E1" });
    expect(plain(new Date(0))).toEqual(["1970-01-01T00:00:00.000Z", []]);
    expect(plain(new Date(Number.NaN))).toEqual(["Invalid Date", ["nonFinite"]]);
    expect(plain(new Map([["a", new Set([1, 2])]]))).toEqual([{ a: [1, 2] }, []]);
    expect(plain(new Map([[1, "x"]]))).toEqual([[[1, "x"]], []]);
    expect(plain(error)).toEqual([{ name: "TypeError", message: "bad", code: "E1", cause: "why" }, []]);
    expect(plain(new URL("https://example.com/a"))).toEqual(["https://example.com/a", []]);
    expect(plain(/a+/g)).toEqual(["/a+/g", []]);
    expect(plain([Object("x"), Object(1), Object(false)])).toEqual([["x", 1, false], []]);
    expect(plain(new Float32Array([1, 0.5]))).toEqual([[1, 0.5], []]);
    expect(plain(new BigInt64Array([3n]))).toEqual([["3n"], ["bigint"]]);
    expect(plain(Object.assign(Object.create(null), { a: 1 }))).toEqual([{ a: 1 }, []]);
  });

  it("marks what hides its content", () => {
    const hidden = [
      new Uint8Array(4),
      new ArrayBuffer(8),
      new DataView(new ArrayBuffer(2)),
      Promise.resolve(),
      new WeakMap(),
    ];
    expect(plain(hidden)).toEqual([["[bytes 4]", "[bytes 8]", "[bytes 2]", "[object]", "[object]"], ["opaque"]]);
  });

  it("asks toJSON once, as JSON.stringify does", () => {
    const money = { toJSON: () => ({ amount: 5, toJSON: () => "again" }) };
    expect(plain({ money })).toEqual([{ money: { amount: 5, toJSON: "[function]" } }, ["opaque"]]);
    const self: Record<string, unknown> = { a: 1 };
    self.toJSON = () => self;
    expect(plain(self)).toEqual([{ a: 1, toJSON: "[function]" }, ["opaque"]]);
    const endless = (): unknown => [{ toJSON: endless }];
    expect(plain(endless())[1]).toEqual(["exceeded"]);
  });

  it("never throws, whatever throws inside", () => {
    const fail = (): never => {
      throw new Error("no");
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const getter = Object.defineProperty({ b: 1 }, "a", { get: fail, enumerable: true });
    const fakeDate = Object.create(Date.prototype);
    class EvilMap extends Map<string, number> {
      override entries(): never {
        return fail();
      }
    }
    expect(plain(proxy)).toEqual(["[threw]", ["threw"]]);
    expect(plain(getter)).toEqual([{ b: 1, a: "[threw]" }, ["threw"]]);
    expect(plain([{ toJSON: fail }, fakeDate])).toEqual([["[threw]", "[threw]"], ["threw"]]);
    expect(plain(new EvilMap([["a", 1]]))).toEqual([{ a: 1 }, []]);
    expect(plain(new Proxy({}, { ownKeys: fail }))).toEqual(["[threw]", ["threw"]]);
  });

  it("ends on circular values", () => {
    const loop: Record<string, unknown> = { a: 1 };
    loop.self = loop;
    loop.list = [loop];
    expect(plain(loop)).toEqual([{ a: 1, self: "[circular]", list: ["[circular]"] }, ["circular"]]);
    const shared = { x: 1 };
    expect(plain([shared, shared])).toEqual([[{ x: 1 }, { x: 1 }], []]);
  });

  it("cuts what exceeds its bounds", () => {
    const bounds = { depthMax: 2, nodeCountMax: 5, textLengthMax: 8 };
    expect(toPlain([[["deep"]]], bounds).value).toEqual([["[deep]"]]);
    expect(toPlain([1, 2, 3, 4, 5, 6], bounds).value).toEqual([1, 2, 3, 4]);
    expect(toPlain({ a: "1234567", long: "x" }, bounds).value).toEqual({ a: "1234567" });
    expect(toPlain({ a: "12345", b: "67890" }, bounds).value).toEqual({ a: "12345", b: "6" });
    const inputs = [[[["deep"]]], [1, 2, 3, 4, 5], "123456789", { a: "12345", b: "678" }];
    expect(inputs.map((input) => toPlain(input, bounds).notes.exceeded)).toEqual([true, true, true, true]);
    const sparse: unknown[] = [];
    sparse.length = 4_000_000_000;
    expect(toPlain(sparse).notes.exceeded).toBe(true);
    const map = new Map(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index]));
    expect(toPlain(map).notes.exceeded).toBe(true);
  });

  it("keeps an own `__proto__` as data", () => {
    const { value } = toPlain(JSON.parse('{"__proto__": {"admin": true}}'));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true}}');
  });

  it("gives JSON for anything, and JSON unchanged", () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
      withUnicodeString: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const { value: copied } = toPlain(value);
        expect(JSON.parse(JSON.stringify(copied))).toEqual(copied);
      }),
      { numRuns: 2_000 },
    );
    const isPlainText = (text: string): boolean => !/\p{Surrogate}/u.test(text);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(isPlainText(JSON.stringify(value)));
        const { value: copied, notes } = toPlain(value);
        expect(JSON.stringify(copied)).toBe(JSON.stringify(value));
        expect(isFaithful(notes)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
