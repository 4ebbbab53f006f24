import { describe, expect, it } from "vitest";
import { type Path, parsePath, pathCovers, printPath } from "./path.ts";

function path(text: string): Path {
  const parsed = parsePath(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

describe("parsePath", () => {
  it("reads every kind of step", () => {
    expect(path("a.b")).toEqual([
      { kind: "key", name: "a" },
      { kind: "key", name: "b" },
    ]);
    expect(path('a["x.y"].z')).toEqual([
      { kind: "key", name: "a" },
      { kind: "key", name: "x.y" },
      { kind: "key", name: "z" },
    ]);
    expect(path("items[0].tags[]")).toEqual([
      { kind: "key", name: "items" },
      { kind: "index", index: 0 },
      { kind: "key", name: "tags" },
      { kind: "each" },
    ]);
    expect(path("**")).toEqual([{ kind: "leaves" }]);
    expect(path("a.*.**")).toEqual([{ kind: "key", name: "a" }, { kind: "any" }, { kind: "leaves" }]);
    expect(path("[].id")).toEqual([{ kind: "each" }, { kind: "key", name: "id" }]);
    expect(path("first name.e-mail")).toEqual([
      { kind: "key", name: "first name" },
      { kind: "key", name: "e-mail" },
    ]);
    expect(path("items.0")).toEqual([
      { kind: "key", name: "items" },
      { kind: "key", name: "0" },
    ]);
  });

  it("reads quoted names with either quote, after a dot, in brackets or first", () => {
    const expected = [
      { kind: "key", name: 'it\'s "so"' },
      { kind: "key", name: "\n\u00e9" },
    ];
    expect(path(`"it's \\"so\\""['\\n\\u00e9']`)).toEqual(expected);
    expect(path(`'it\\'s "so"'."\\né"`)).toEqual(expected);
  });

  it("says what is wrong and where", () => {
    const bad = ["", "a.", ".a", "a..b", "a[", "a[x]", "a[01]", "a[10000]", "a[-1]", 'a["x', 'a["x"', '"\\q"'];
    expect(bad.map(parsePath)).toEqual([
      "path is empty",
      "expected a name at character 3",
      "expected a name at character 1",
      "expected a name at character 3",
      "expected `]`, a quoted name or a number up to 9999 at character 3",
      "expected `]`, a quoted name or a number up to 9999 at character 3",
      "expected `]`, a quoted name or a number up to 9999 at character 3",
      "expected `]`, a quoted name or a number up to 9999 at character 3",
      "expected `]`, a quoted name or a number up to 9999 at character 3",
      "unclosed quote at character 3",
      "expected `]` at character 6",
      "bad escape or control character in the quoted name at character 1",
    ]);
    expect(parsePath("**.a")).toBe("`**` must be the last step");
    expect(parsePath("a*")).toBe("expected `.` or `[` at character 2");
    expect(parsePath("***")).toBe("`**` must be the last step");
    expect(parsePath("a".repeat(513))).toBe("path has 513 characters; use at most 512");
    expect(parsePath(Array.from({ length: 33 }, () => "a").join("."))).toBe("path has more than 32 steps");
  });
});

describe("printPath", () => {
  it("prints what reads back, bare where it can", () => {
    const texts = ["a.b", 'a["x.y"].z', "items[0].tags[]", "**", "*", "a.*.**", "[].id", 'a[""]', "[0][1]", "a b.c"];
    expect(texts.map((text) => printPath(path(text)))).toEqual(texts);
  });
});

describe("pathCovers", () => {
  it("proves what is plainly so", () => {
    const cases = [
      ["a.b", "a.b"],
      ["**", "a.b"],
      ["a.**", "a.b[].c"],
      ["a.**", "a.**"],
      ["a.**", "a"],
      ["a.*", "a.b"],
      ["a.*", "a[]"],
      ["a[]", "a[3]"],
      ["a.3", "a[3]"],
    ] as const;
    expect(cases.map(([wide, narrow]) => pathCovers(path(wide), path(narrow)))).toEqual(cases.map(() => true));
  });

  it("does not claim what is not so", () => {
    const cases = [
      ["a.b", "a.c"],
      ["a.b", "a"],
      ["a.b", "a.b.c"],
      ["a.*", "a.**"],
      ["a[3]", "a[]"],
      ["a[]", "a.*"],
      ["a[3]", "a.3"],
      ["a[]", "a.b"],
    ] as const;
    expect(cases.map(([wide, narrow]) => pathCovers(path(wide), path(narrow)))).toEqual(cases.map(() => false));
  });
});
