import { describe, expect, it } from "vitest";
import { closestName } from "./spelling.ts";

const OPS = ["eq", "neq", "gt", "gte", "lt", "lte", "in", "notIn", "contains", "startsWith", "matches"];

describe("closestName", () => {
  it.each<[string, readonly string[], string | undefined]>([
    ["effcet", ["effect", "when"], "effect"],
    ["EFFECT", ["effect"], "effect"],
    ["startswith", OPS, "startsWith"],
    ["contians", OPS, "contains"],
    ["greaterThan", OPS, "gt"],
    ["<=", OPS, "lte"],
    ["regex", OPS, "matches"],
    ["deny", ["allow", "block"], "block"],
    ["deny", ["allow"], undefined],
    ["wednesday", ["mon", "wed"], "wed"],
    ["banana", OPS, undefined],
    ["x", ["on", "tool"], undefined],
    ["", OPS, undefined],
    ["a".repeat(65), ["a".repeat(64)], undefined],
    ["name", ["name"], undefined],
  ])("takes %j among %j for %j", (word, candidates, expected) => {
    expect(closestName(word, candidates)).toBe(expected);
  });

  it("prefers the nearest, then the first", () => {
    expect(closestName("tagsal", ["tagsAny", "tagsAll"])).toBe("tagsAll");
    expect(closestName("cat", ["bat", "hat"])).toBe("bat");
  });
});
