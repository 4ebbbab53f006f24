import { tests } from "@bufbuild/cel-spec/testdata/conformance.js";
import type { SerializedIncrementalTestSuite as Suite } from "@bufbuild/cel-spec/testdata/tests.js";
import { describe, expect, it } from "vitest";
import { equals } from "../cel/compare.ts";
import { compileExpr } from "../cel/compile-expr.ts";
import { type CelKey, type CelValue, isError, normalKey, TypeName, Uint } from "../cel/values.ts";
import { RegexCache } from "../regex.ts";
import { TimeZones } from "../time-zone.ts";
import { lowerCel } from "./cel-lower.ts";

/** The files of the official suite that say what the language is, without protocol buffers. */
const CORE = [
  "basic",
  "comparisons",
  "conversions",
  "fields",
  "fp_math",
  "integer_math",
  "lists",
  "logic",
  "macros",
  "parse",
  "plumbing",
  "string",
  "timestamps",
];

/** What this subset does not have, by the words of a test's expression: protocol buffers, and names with a dot in them. */
const OUT_OF_SCOPE = /TestAllTypes|google\.protobuf|cel\.expr|NestedEnum|GlobalEnum|\{`|\.`|proto[23]/;

/** Names that nothing declares, evaluated without a check: an expression is always checked here, and these are refused. */
const UNCHECKED = /receiver_function_names|unbound_is_runtime_error/;

interface Case {
  readonly name: string;
  readonly expr: string;
  readonly bindings: ReadonlyMap<string, CelValue>;
  readonly expected: CelValue | "error";
}

type Json = Record<string, unknown>;

function casesOf(suite: Suite, path: string): Case[] {
  const name = `${path}/${suite.name}`;
  const own = (suite.tests ?? []).flatMap((test) => readCase(name, test.original as Json));
  return [...own, ...(suite.suites ?? []).flatMap((inner) => casesOf(inner, name))];
}

function readCase(path: string, test: Json): Case[] {
  const text = JSON.stringify(test);
  if (OUT_OF_SCOPE.test(text) || "container" in test || test["checkOnly"] === true) return [];
  if (UNCHECKED.test(`${path}/${String(test["name"])}`)) return [];
  const bindings = Object.entries((test["bindings"] ?? {}) as Record<string, { value: Json }>);
  if (bindings.some(([name]) => name.includes("."))) return [];
  const isError = "evalError" in test || "anyEvalErrors" in test;
  const value = "value" in test ? fromJson(test["value"] as Json) : "typedResult" in test ? undefined : true;
  if (value === undefined && !isError) return [];
  return [
    {
      name: `${path}/${String(test["name"])}`,
      expr: String(test["expr"]),
      bindings: new Map(bindings.map(([name, bound]) => [name, fromJson(bound.value) ?? null])),
      expected: isError || value === undefined ? "error" : value,
    },
  ];
}

/** A value of the suite in this engine's form; `undefined` for a kind that it does not have. */
function fromJson(value: Json): CelValue | undefined {
  const [kind, inner] = Object.entries(value)[0] ?? ["", undefined];
  switch (kind) {
    case "nullValue":
      return null;
    case "boolValue":
      return inner === true;
    case "int64Value":
      return BigInt(String(inner));
    case "uint64Value":
      return new Uint(BigInt(String(inner)));
    case "doubleValue":
      return Number(inner);
    case "stringValue":
      return String(inner);
    case "bytesValue":
      return new Uint8Array(Buffer.from(String(inner), "base64"));
    case "typeValue":
      return new TypeName(String(inner));
    case "listValue": {
      const items = ((inner as Json)["values"] ?? []) as Json[];
      const read = items.map(fromJson);
      return read.includes(undefined) ? undefined : (read as CelValue[]);
    }
    case "mapValue": {
      const map = new Map<CelKey, CelValue>();
      for (const { key, value: of } of ((inner as Json)["entries"] ?? []) as { key: Json; value: Json }[]) {
        const [readKey, readValue] = [fromJson(key), fromJson(of)];
        const normal = readKey === undefined ? undefined : normalKey(readKey);
        if (normal === undefined || readValue === undefined) return undefined;
        map.set(normal, readValue);
      }
      return map;
    }
    default:
      return undefined;
  }
}

function evaluate({ expr, bindings }: Case): CelValue | "error" {
  try {
    const run = compileExpr(lowerCel(expr, [...bindings.keys()]), {
      regexes: new RegexCache(),
      zones: new TimeZones(),
    });
    const value = run({ variable: (name) => bindings.get(name), call: () => undefined });
    return isError(value) ? "error" : value;
  } catch {
    return "error";
  }
}

function agrees(expected: CelValue | "error", actual: CelValue | "error"): boolean {
  if (expected === "error" || actual === "error") return expected === actual;
  if (typeof expected === "number" && Number.isNaN(expected)) return Number.isNaN(actual);
  return equals(expected, actual) === true;
}

/** Whole numbers and doubles are compared exactly here; the suite rounds the whole number to a double first. */
const KNOWN_DIFFERENCES: readonly string[] = [
  "/comparisons/lt_literal/not_lt_dyn_int_big_lossy_double",
  "/comparisons/gt_literal/not_gt_dyn_big_double_int",
  "/comparisons/lte_literal/lte_dyn_big_double_int",
  "/comparisons/gte_literal/gte_dyn_int_big_lossy_double",
];

describe("the official CEL conformance suite", () => {
  const cases = (tests.suites ?? [])
    .filter((suite) => CORE.includes(suite.name))
    .flatMap((suite) => casesOf(suite, ""));

  it("has the cases it is known for", () => {
    expect(cases.length).toBeGreaterThan(800);
  });

  it("gives the expected answers", () => {
    const failing = cases.filter((one) => !agrees(one.expected, evaluate(one))).map((one) => one.name);
    expect(failing).toEqual(KNOWN_DIFFERENCES);
  });
});
