import type { Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { factsOf, llmFactsOf, outcomeFor } from "../facts.fixture.ts";
import { TEXT_LENGTH_MAX } from "../limits.ts";

const arg = (op: string, value: unknown, rest: object = {}): Condition =>
  ({ kind: "toolArg", path: "x", type: "string", op, value, ...rest }) as Condition;
const withArg = (x: unknown): ReturnType<typeof factsOf> => factsOf({ call: { args: { x } as never } });

describe("text operators", () => {
  const cases: readonly (readonly [op: string, operand: unknown, holds: string, fails: string])[] = [
    ["eq", "abc", "abc", "ABC"],
    ["neq", "abc", "ABC", "abc"],
    ["contains", "b", "abc", "ac"],
    ["notContains", "b", "ac", "abc"],
    ["startsWith", "ab", "abc", "cab"],
    ["endsWith", "bc", "abc", "bca"],
    ["in", ["abc", "def"], "def", "de"],
    ["notIn", ["abc", "def"], "de", "def"],
    ["glob", "a*c", "abbc", "abbd"],
    ["glob", ["x?", "abc"], "abc", "xyz"],
    ["matches", "b+c$", "abbc", "abcd"],
    ["longerThan", 2, "abc", "ab"],
    ["shorterThan", 3, "ab", "abc"],
  ];
  it.each(cases)("%s %j", (op, operand, holds, fails) => {
    const condition = arg(op, operand);
    const outcomes = [holds, fails, 7, true, ["abc"], { a: 1 }, null, undefined].map((x) =>
      outcomeFor(condition, withArg(x)),
    );
    expect(outcomes).toEqual(["true", "false", "unknown", "unknown", "unknown", "unknown", "false", "false"]);
  });

  it("says what an absent value makes of it", () => {
    for (const op of ["eq", "neq", "notIn", "notContains"]) {
      const value = op === "notIn" ? ["a"] : "a";
      const outcomes = [undefined, "skip", "match", "unknown"].map((onMissing) =>
        outcomeFor(arg(op, value, onMissing === undefined ? {} : { onMissing }), withArg(undefined)),
      );
      expect(outcomes).toEqual(["false", "false", "true", "unknown"]);
    }
  });

  const folded: readonly (readonly [op: string, operand: unknown, text: string])[] = [
    ["eq", "Straße", "STRAßE"],
    ["contains", "B", "abc"],
    ["startsWith", "AB", "abc"],
    ["endsWith", "BC", "abc"],
    ["in", ["ABC"], "abc"],
    ["glob", "A?C", "abc"],
    ["matches", "^A.C$", "abc"],
  ];
  it.each(folded)("folds case for %s when asked", (op, operand, text) => {
    expect(outcomeFor(arg(op, operand), withArg(text))).toBe("false");
    expect(outcomeFor(arg(op, operand, { ignoreCase: true }), withArg(text))).toBe("true");
  });

  it("does not know what a text past the bound is", () => {
    const long = "a".repeat(TEXT_LENGTH_MAX + 1);
    const unknown = ["eq", "neq", "contains", "startsWith", "matches"].map((op) =>
      outcomeFor(arg(op, "a"), withArg(long)),
    );
    expect(unknown).toEqual(Array(5).fill("unknown"));
    expect(outcomeFor(arg("longerThan", 10), withArg(long))).toBe("true");
    expect(outcomeFor(arg("shorterThan", 10), withArg(long))).toBe("false");
  });

  it("asks whether there is a value; null is none", () => {
    const exists: Condition = { kind: "toolArg", path: "x", type: "any", op: "exists" };
    const absent: Condition = { kind: "toolArg", path: "x", type: "any", op: "absent" };
    const values = ["", 0, false, [], null, undefined];
    expect(values.map((x) => outcomeFor(exists, withArg(x)))).toEqual([
      "true",
      "true",
      "true",
      "true",
      "false",
      "false",
    ]);
    expect(values.map((x) => outcomeFor(absent, withArg(x)))).toEqual([
      "false",
      "false",
      "false",
      "false",
      "true",
      "true",
    ]);
  });
});

describe("toolName", () => {
  it("compares the tool's name", () => {
    expect(outcomeFor({ kind: "toolName", op: "glob", value: "send_*" }, factsOf())).toBe("true");
    expect(outcomeFor({ kind: "toolName", op: "eq", value: "read" }, factsOf())).toBe("false");
  });
  it("has no name in the llm phases", () => {
    expect(outcomeFor({ kind: "toolName", op: "neq", value: "read" }, llmFactsOf())).toBe("false");
    expect(outcomeFor({ kind: "toolName", op: "absent" }, llmFactsOf())).toBe("true");
    expect(outcomeFor({ kind: "toolName", op: "exists" }, factsOf())).toBe("true");
  });
});

describe("toolTag", () => {
  it("wants every field to hold", () => {
    const ask = (condition: object): string | undefined =>
      outcomeFor({ kind: "toolTag", ...condition } as Condition, factsOf());
    expect(ask({ anyOf: ["email", "x"] })).toBe("true");
    expect(ask({ anyOf: ["x"] })).toBe("false");
    expect(ask({ allOf: ["email", "external"] })).toBe("true");
    expect(ask({ allOf: ["email", "x"] })).toBe("false");
    expect(ask({ noneOf: ["x"] })).toBe("true");
    expect(ask({ noneOf: ["x", "email"] })).toBe("false");
    expect(ask({ anyOf: ["email"], noneOf: ["external"] })).toBe("false");
  });
  it("holds for nothing where there is no tool", () => {
    expect(outcomeFor({ kind: "toolTag", noneOf: ["x"] }, llmFactsOf())).toBe("false");
  });
});

describe("actor", () => {
  const actor = {
    externalId: "u_1",
    name: "Ann",
    metadata: { tier: "free", "a.b": "dotted" },
    group: { externalId: "g_1", metadata: { plan: "team" } },
  };
  const ask = (path: string, value: string, change = {}): string | undefined =>
    outcomeFor({ kind: "actor", path, op: "eq", value }, factsOf({ actor, ...change }));
  it("reads the actor and its group", () => {
    expect(ask("externalId", "u_1")).toBe("true");
    expect(ask("name", "Ann")).toBe("true");
    expect(ask("metadata.tier", "free")).toBe("true");
    expect(ask('metadata["a.b"]', "dotted")).toBe("true");
    expect(ask("group.externalId", "g_1")).toBe("true");
    expect(ask("group.metadata.plan", "team")).toBe("true");
    expect(ask("group.metadata.plan", "solo")).toBe("false");
  });
  it("is absent where there is none", () => {
    expect(ask("metadata.constructor", "x")).toBe("false");
    expect(ask("externalId", "u_1", { actor: undefined })).toBe("false");
    const older: Condition = { kind: "enduserTag", path: "metadata.tier", op: "neq", value: "x", onMissing: "unknown" };
    expect(outcomeFor(older, factsOf({ actor: undefined }))).toBe("unknown");
    expect(outcomeFor(older, factsOf({ actor }))).toBe("true");
    expect(outcomeFor({ kind: "actor", path: "group.name", op: "absent" }, factsOf({ actor }))).toBe("true");
  });
  it("does not know a value that is no text", () => {
    expect(ask("metadata.tier", "free", { actor: { externalId: "u", metadata: { tier: 3 } as never } })).toBe(
      "unknown",
    );
  });
});

describe("runTag", () => {
  it("compares a tag of the run", () => {
    const ask = (tag: string, value: string, onMissing?: "match"): string | undefined =>
      outcomeFor(
        { kind: "runTag", tag, op: "eq", value, ...(onMissing === undefined ? {} : { onMissing }) },
        factsOf(),
      );
    expect(ask("env", "prod")).toBe("true");
    expect(ask("env", "dev")).toBe("false");
    expect(ask("toString", "prod")).toBe("false");
    expect(ask("toString", "prod", "match")).toBe("true");
    expect(outcomeFor({ kind: "runTag", tag: "env", op: "exists" }, factsOf())).toBe("true");
    const odd = factsOf({ run: { tags: { env: 5 } as never } });
    expect(outcomeFor({ kind: "runTag", tag: "env", op: "eq", value: "5" }, odd)).toBe("unknown");
  });
});
