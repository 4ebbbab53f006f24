import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CONDITION_KINDS, type Condition } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { type ConformanceCase, conformanceFileSchema } from "./conformance-case.ts";

const FOLDER = fileURLToPath(new URL("../../../../../spec/conformance/", import.meta.url));
const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .flatMap((file) => conformanceFileSchema.parse(JSON.parse(readFileSync(`${FOLDER}${file}`, "utf8"))).cases);

/** What is asked of one condition: its kind, and the type, operator and answer to absence where it has them. */
function askedOf(condition: Condition): readonly string[] {
  const { kind } = condition;
  const [type, op, onMissing] = ["type", "op", "onMissing"].map((name) => own(condition, name));
  const operator = [kind, type, op].filter((part) => part !== undefined).join(" ");
  return [kind, operator, ...(onMissing === undefined ? [] : [`${kind} onMissing ${onMissing}`])];
}

function own(value: object, name: string): unknown {
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

/** Every outcome that some case expects of a rule whose whole condition this is. */
function outcomes(source: readonly ConformanceCase[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { policies, steps } of source) {
    const conditions = new Map(policies.flatMap((policy) => policy.rules.map((rule) => [rule.id ?? "", rule.when])));
    for (const step of steps) {
      const rows = "expect" in step ? Object.entries(step.expect?.rules ?? {}) : [];
      for (const [ruleId, row] of rows) {
        const condition = conditions.get(ruleId);
        const outcome = typeof row === "string" ? row : row.outcome;
        if (condition === undefined || outcome === undefined) continue;
        for (const asked of askedOf(condition)) found.set(asked, (found.get(asked) ?? new Set()).add(outcome));
      }
    }
  }
  return found;
}

const found = outcomes(cases);
const lacks = (asked: readonly string[], wanted: readonly string[]): readonly string[] =>
  asked.flatMap((one) => wanted.filter((outcome) => found.get(one)?.has(outcome) !== true).map((o) => `${one}: ${o}`));

const TEXT_OPS = [
  ...["eq", "neq", "contains", "notContains", "startsWith", "endsWith", "matches", "glob", "in", "notIn"],
  ...["longerThan", "shorterThan"],
];
const OPS = {
  number: ["eq", "neq", "gt", "gte", "lt", "lte", "in", "notIn"],
  string: TEXT_OPS,
  boolean: ["eq", "neq"],
  array: ["contains", "notContains", "longerThan", "shorterThan"],
} as const;

describe("the cases of the conformance suite", () => {
  it("make every kind of condition true and false", () => {
    expect(lacks(CONDITION_KINDS, ["true", "false"])).toEqual([]);
  });

  it("make every typed operator true, false and unknown", () => {
    const typed = Object.entries(OPS).flatMap(([type, ops]) => ops.map((op) => `toolArg ${type} ${op}`));
    expect(lacks(typed, ["true", "false", "unknown"])).toEqual([]);
  });

  it("make every operator of text true and false", () => {
    const texts = TEXT_OPS.flatMap((op) => [`actor ${op}`, `toolName ${op}`]);
    expect(lacks(texts, ["true", "false"])).toEqual([]);
  });

  it("ask whether there is a value", () => {
    const kinds = ["toolArg any", "context any", "signal any", "actor", "runTag", "subject"];
    expect(
      lacks(
        ["exists", "absent"].flatMap((op) => kinds.map((kind) => `${kind} ${op}`)),
        ["true"],
      ),
    ).toEqual([]);
  });

  it("say what an absent value makes of every condition that can be told", () => {
    const kinds = ["toolArg", "actor", "enduserTag", "runTag", "context", "timeGate", "subject", "signal", "argFrom"];
    expect(
      lacks(
        kinds.map((kind) => `${kind} onMissing match`),
        ["true"],
      ),
    ).toEqual([]);
    expect(
      lacks(
        kinds.map((kind) => `${kind} onMissing unknown`),
        ["unknown"],
      ),
    ).toEqual([]);
  });

  it("make what may be unknown unknown, and what may be out of reach unavailable", () => {
    const unknowable = [
      "context",
      "subject",
      "signal",
      "custom",
      "expr",
      "timeGate",
      "sensitiveData",
      "and",
      "or",
      "not",
    ];
    expect(lacks(unknowable, ["unknown"])).toEqual([]);
    expect(lacks(["maxCalls", "and", "or", "not"], ["unavailable"])).toEqual([]);
  });

  it("compare with every order", () => {
    const orders = ["gt", "gte", "lt", "lte"];
    const kinds = ["executionTime", "metricWindow"];
    expect(
      lacks(
        orders.flatMap((op) => kinds.map((kind) => `${kind} ${op}`)),
        ["true", "false"],
      ),
    ).toEqual([]);
  });
});
