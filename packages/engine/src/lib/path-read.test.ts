import { describe, expect, it } from "vitest";
import { VALUE_DEPTH_MAX, VALUE_NODE_COUNT_MAX } from "./limits.ts";
import { type Path, parsePath } from "./path.ts";
import { type PathReading, readPath, walkLeaves } from "./path-read.ts";

function path(text: string): Path {
  const parsed = parsePath(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

const read = (value: unknown, text: string): PathReading => readPath(value, path(text));

const found = (...values: readonly unknown[]): PathReading => ({
  values,
  absent: false,
  missing: false,
  mistyped: false,
  exceeded: false,
});
const absent: PathReading = { ...found(), absent: true, missing: true };

describe("readPath", () => {
  const order = {
    id: 7,
    buyer: { "x.y": null },
    items: [{ price: 5, tags: ["a"] }, { price: 9, tags: [] }, { name: "z" }],
  };

  it("reads one place", () => {
    expect(read(order, "id")).toEqual(found(7));
    expect(read(order, "items[1].price")).toEqual(found(9));
    expect(read(order, "items.0.price")).toEqual(found(5));
    expect(read(order, 'buyer["x.y"]')).toEqual(found(null));
  });

  it("reads many places, and says when some are missing", () => {
    expect(read(order, "items[].price")).toEqual({ ...found(5, 9), missing: true });
    expect(read(order, "items[].tags[]")).toEqual({ ...found("a"), missing: true });
    expect(read({ a: { x: 1, y: 2 } }, "a.*")).toEqual(found(1, 2));
    expect(read({ a: [1, 2] }, "a.*")).toEqual(found(1, 2));
  });

  it("reads every leaf below", () => {
    expect(read(order, "**")).toEqual(found(7, null, 5, "a", 9, "z"));
    expect(read(order, "items.**")).toEqual(found(5, "a", 9, "z"));
    expect(read("text", "**")).toEqual(found("text"));
    expect(read({ a: {} }, "a.**")).toEqual(absent);
  });

  it("takes a missing property, element or parent as absent", () => {
    expect(["nope", "items[9]", "nope.deeper", 'buyer["x.y"].z'].map((text) => read(order, text))).toEqual([
      absent,
      absent,
      absent,
      absent,
    ]);
    expect(read({ a: undefined }, "a")).toEqual(absent);
    expect(read({ items: [] }, "items[].price")).toEqual(absent);
    expect(read(undefined, "**")).toEqual(absent);
  });

  it("takes a value of the wrong kind on the way as mistyped, not absent", () => {
    const mistyped = { ...found(), mistyped: true };
    const value = { text: "a", list: [1], object: { x: 1 } };
    const paths = ["text.b", "text[0]", "text[]", "text.*", "list.price", "object[0]", "object[]", "list.length"];
    expect(paths.map((text) => read(value, text))).toEqual(paths.map(() => mistyped));
    expect(read({ a: [{ b: 1 }, "x"] }, "a[].b")).toEqual({ ...found(1), mistyped: true });
    expect(read({ a: [{}, "x"] }, "a[].b")).toEqual({ ...found(), missing: true, mistyped: true });
  });

  it("reads own properties alone", () => {
    const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "constructor.name", "__proto__.polluted"];
    expect(names.map((name) => read({}, name))).toEqual(names.map(() => absent));
    expect(read(JSON.parse('{"__proto__": {"a": 1}}'), "__proto__.a")).toEqual(found(1));
    expect(read(Object.create({ inherited: 1 }), "inherited")).toEqual(absent);
    expect(read(Object.create(null), "toString")).toEqual(absent);
  });

  it("survives getters and proxies that throw", () => {
    const thrown = { ...found(), exceeded: true };
    const getter = {
      get a(): unknown {
        throw new Error("no");
      },
    };
    const { proxy, revoke } = Proxy.revocable({ a: 1 }, {});
    revoke();
    expect([
      read(getter, "a"),
      read(getter, "**"),
      read(proxy, "a"),
      read(proxy, "**"),
      read({ x: proxy }, "x.*"),
    ]).toEqual([thrown, thrown, thrown, thrown, thrown]);
    expect(read({ before: 1, bad: getter, after: 2 }, "**")).toEqual({ ...found(1), exceeded: true });
  });

  it("ends on circular values, each container read once on its way", () => {
    const loop: Record<string, unknown> = { leaf: 1 };
    loop.self = loop;
    loop.list = [loop, 2];
    expect(read(loop, "**")).toEqual(found(1, 2));
    expect(read(loop, "self.self.leaf")).toEqual(found(1));
  });

  it("stops at its bounds", () => {
    const wide = Array.from({ length: VALUE_NODE_COUNT_MAX }, (_, index) => index);
    expect(read(wide, "[]").exceeded).toBe(true);
    expect(read(wide.slice(0, -1), "[]")).toEqual(found(...wide.slice(0, -1)));
    expect(read(wide, "**").exceeded).toBe(true);
    let deep: unknown = "leaf";
    for (let depth = 0; depth < VALUE_DEPTH_MAX; depth += 1) deep = [deep];
    expect(read(deep, "**")).toEqual(found("leaf"));
    expect(read([deep], "**")).toEqual({ ...found(), exceeded: true });
    const sparse: unknown[] = [];
    sparse.length = 4_000_000_000;
    expect(read(sparse, "[]").exceeded).toBe(true);
    let doubling: unknown = "leaf";
    for (let depth = 0; depth < 30; depth += 1) doubling = [doubling, doubling];
    expect(read(doubling, "**").exceeded).toBe(true);
  });

  it("takes what hides its content as a leaf", () => {
    const date = new Date(0);
    const map = new Map([["secret", 1]]);
    expect(read({ date, map, at: 1 }, "**")).toEqual(found(date, map, 1));
  });
});

describe("walkLeaves", () => {
  it("visits the leaves in order and tells whether any may be missing", () => {
    const seen: unknown[] = [];
    expect(walkLeaves({ a: [1, { b: "x" }], c: null }, (leaf) => seen.push(leaf))).toBe(false);
    expect(seen).toEqual([1, "x", null]);
    expect(walkLeaves([[["deep"]]], () => {}, { depthMax: 2, nodeCountMax: 100 })).toBe(true);
  });

  it("lets an error of the visitor through", () => {
    const fail = (): void => {
      throw new Error("mine");
    };
    expect(() => walkLeaves([1], fail)).toThrow("mine");
  });
});
