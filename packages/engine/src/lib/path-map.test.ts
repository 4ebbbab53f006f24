import { describe, expect, it } from "vitest";
import { type Path, parsePath } from "./path.ts";
import { mapPath, type PathMapping } from "./path-map.ts";

function path(text: string): Path {
  const parsed = parsePath(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

const mask = (value: unknown, text: string): PathMapping => mapPath(value, path(text), { replace: () => "***" });
const done = (value: unknown, count: number): PathMapping => ({ value, count, mistyped: false, exceeded: false });

describe("mapPath", () => {
  it("replaces what the path names and leaves the input as it was", () => {
    const input = { to: "a@b.c", items: [{ price: 1, note: "x" }, { note: "y" }], meta: { "x.y": 1 } };
    const before = structuredClone(input);
    expect(mask(input, "to")).toEqual(done({ ...before, to: "***" }, 1));
    expect(mask(input, "items[].note")).toEqual(
      done({ ...before, items: [{ price: 1, note: "***" }, { note: "***" }] }, 2),
    );
    expect(mask(input, "items[1].**")).toEqual(done({ ...before, items: [before.items[0], { note: "***" }] }, 1));
    expect(mask(input, "**")).toEqual(
      done({ to: "***", items: [{ price: "***", note: "***" }, { note: "***" }], meta: { "x.y": "***" } }, 5),
    );
    expect(mask(input, "meta.*")).toEqual(done({ ...before, meta: { "x.y": "***" } }, 1));
    expect(input).toEqual(before);
  });

  it("shares what did not change", () => {
    const input = { a: { b: 1 }, c: { d: 2 } };
    const { value } = mask(input, "a.b");
    expect(value).toEqual({ a: { b: "***" }, c: { d: 2 } });
    expect((value as typeof input).c).toBe(input.c);
    expect(mask(input, "nope.b")).toEqual(done(input, 0));
    expect(mask(input, "nope.b").value).toBe(input);
    expect(mapPath(input, path("**"), { replace: (leaf) => leaf }).value).toBe(input);
  });

  it("tells when the shape is not the one the path expects", () => {
    expect(mask({ to: "a@b.c" }, "to[].address")).toEqual({ ...done({ to: "a@b.c" }, 0), mistyped: true });
    expect(mask({ to: null }, "to[].address")).toEqual(done({ to: null }, 0));
  });

  it("gives nothing out when it could not reach everything", () => {
    const nothing = { value: undefined, mistyped: false, exceeded: true };
    const loop: Record<string, unknown> = { secret: "s" };
    loop.self = loop;
    expect(mask(loop, "**")).toMatchObject(nothing);
    const getter = {
      get a(): unknown {
        throw new Error("no");
      },
    };
    expect(mask(getter, "**")).toEqual({ ...nothing, count: 0 });
    const wide = Array.from({ length: 20_000 }, () => "s");
    expect(mask(wide, "[]")).toMatchObject(nothing);
    let deep: unknown = "s";
    for (let depth = 0; depth < 40; depth += 1) deep = [deep];
    expect(mask(deep, "**")).toMatchObject(nothing);
  });

  it("keeps own `__proto__` keys, lists and prototypes what they are", () => {
    const { value } = mask(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), "b");
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"a":1},"b":"***"}');
    const polluted = mask(JSON.parse('{"__proto__": {"a": 1}}'), "__proto__.a").value;
    expect(JSON.stringify(polluted)).toBe('{"__proto__":{"a":"***"}}');
    expect(Object.getPrototypeOf(polluted)).toBe(Object.prototype);
    const bare = mask(Object.assign(Object.create(null), { a: 1 }), "a").value;
    expect(Object.getPrototypeOf(bare)).toBe(null);
    expect(Array.isArray(mask([1, 2], "[0]").value)).toBe(true);
  });

  it("lets an error of the function through", () => {
    const replace = (): unknown => {
      throw new Error("mine");
    };
    expect(() => mapPath({ a: 1 }, path("a"), { replace })).toThrow("mine");
  });
});
