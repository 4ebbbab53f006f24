import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

describe("canonicalJson", () => {
  it("sorts keys by UTF-16 code units and prints no white space", () => {
    expect(canonicalJson({ b: [1, { d: null, c: true }], a: "x", "": false })).toBe(
      '{"":false,"a":"x","b":[1,{"c":true,"d":null}]}',
    );
    // The example of RFC 8785, section 3.2.3.
    const keys = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 };
    expect(canonicalJson(keys)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
  });

  it("prints numbers as ECMAScript does", () => {
    const numbers = [0, -0, 1, -1.5, 1e21, 1e-7, 333333333.3333333, 4.5, 2e-3, 1e30, 5e-324, 9007199254740991];
    expect(canonicalJson(numbers)).toBe(
      "[0,0,1,-1.5,1e+21,1e-7,333333333.3333333,4.5,0.002,1e+30,5e-324,9007199254740991]",
    );
  });

  it("escapes what JSON must, and a lone surrogate", () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\"/\ud800')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\\ud800"');
  });

  it("leaves out undefined properties and keeps own `__proto__`", () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    expect(canonicalJson(JSON.parse('{"__proto__": 1, "a": 2}'))).toBe('{"__proto__":1,"a":2}');
  });

  it("has no text for what is not JSON", () => {
    const loop: unknown[] = [];
    loop.push(loop);
    const getter = {
      get a(): unknown {
        throw new Error("no");
      },
    };
    const values = [
      undefined,
      () => 1,
      Symbol("s"),
      1n,
      NaN,
      Infinity,
      [undefined],
      new Date(0),
      new Map(),
      loop,
      getter,
    ];
    expect(values.map((value) => canonicalJson(value))).toEqual(values.map(() => undefined));
    expect(canonicalJson({ a: [1n] })).toBe(undefined);
  });

  it("has no text past its bounds", () => {
    const bounds = { depthMax: 2, nodeCountMax: 4, textLengthMax: 20 };
    expect(canonicalJson([[1]], bounds)).toBe("[[1]]");
    expect(canonicalJson([[[1]]], bounds)).toBe(undefined);
    expect(canonicalJson([1, 2, 3], bounds)).toBe("[1,2,3]");
    expect(canonicalJson([1, 2, 3, 4], bounds)).toBe(undefined);
    expect(canonicalJson("x".repeat(18), bounds)).toBe(`"${"x".repeat(18)}"`);
    expect(canonicalJson("x".repeat(19), bounds)).toBe(undefined);
    expect(canonicalJson({ ["k".repeat(30)]: 1 }, bounds)).toBe(undefined);
    expect(canonicalJson("x".repeat(2_000_000))).toBe(undefined);
  });

  it("is one text for equal values and reads back to them", () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, child]) => [key, shuffled(child)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = canonicalJson(value);
        expect(text).not.toBe(undefined);
        expect(canonicalJson(shuffled(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text ?? ""))).toBe(text);
        expect(JSON.parse(text ?? "")).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 2_000 },
    );
  });
});
