import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { JsonValue } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonText } from "./json-text.ts";

const text = fc.oneof(
  fc.constantFrom(
    "it's",
    'say "hi"',
    "a: b",
    "# c",
    "- d",
    "",
    " x ",
    "two\nlines",
    "a\n\nb\n",
    "\\n",
    "é 😀",
    "true",
    "12",
    "~",
  ),
  fc.string({ maxLength: 20 }),
  fc.array(fc.constantFrom("word", "it's", "a: b", "\n", "#"), { maxLength: 40 }).map((words) => words.join(" ")),
);
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const key = fc.constantFrom("id", "name", "body", "shared_with", "a.b@c.d", "x-1");
const tree = fc.letrec<{ value: JsonValue; object: Record<string, JsonValue>; list: JsonValue[] }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, tie("object"), tie("list")),
  object: fc.dictionary(key, tie("value"), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  list: fc.array(tie("value"), { minLength: 1, maxLength: 4 }),
}));
const records = fc.array(tree.object, { minLength: 1, maxLength: 4 }).filter((all) => JSON.stringify(all).length > 12);

function pythonText(value: JsonValue): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") {
    const inner = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"');
    return value.includes("'") && !value.includes('"') ? `"${inner}"` : `'${inner.replaceAll("'", "\\'")}'`;
  }
  if (Array.isArray(value)) return `[${value.map(pythonText).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  return `{${Object.entries(value)
    .map(([name, child]) => `${pythonText(name)}: ${pythonText(child)}`)
    .join(", ")}}`;
}

/** Quoted over several lines as PyYAML does it: each break doubled, the next line indented. */
function yamlScalar(value: JsonValue, indent: string): string {
  if (typeof value !== "string") return JSON.stringify(value);
  const isPlain = /^[a-z]+( [a-z]+)*$/.test(value) && !["true", "false", "null"].includes(value);
  if (isPlain) return value;
  const isSingle = /^[^\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u00a0\ufeff]*$/u.test(value.replaceAll("\n", ""));
  const isFoldable = !/^[ \n]|[ \n]$| \n|\n /.test(value);
  if (!isSingle || !isFoldable) return JSON.stringify(value);
  return `'${value.replaceAll("'", "''").replace(/\n+/g, (breaks) => `${breaks}\n${indent}  `)}'`;
}

function yamlText(value: JsonValue, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return " []\n";
    return `\n${value.map((item) => `${indent}-${yamlItem(item, indent)}`).join("")}`;
  }
  if (typeof value === "object" && value !== null) {
    if (Object.keys(value).length === 0) return " {}\n";
    return `\n${Object.entries(value)
      .map(([name, child]) => `${indent}${name}:${yamlText(child, `${indent}  `)}`)
      .join("")}`;
  }
  return ` ${yamlScalar(value, indent)}\n`;
}

function yamlItem(item: JsonValue, indent: string): string {
  const below = yamlText(item, `${indent}  `);
  return below.startsWith("\n") ? ` ${below.trimStart()}` : below;
}

/** Whether `part` is what is left of `all` when its end is cut off. */
function isPrefix(part: JsonValue, all: JsonValue): boolean {
  if (Array.isArray(part)) return Array.isArray(all) && part.every((item, index) => isPrefix(item, all[index] ?? null));
  if (typeof part !== "object" || part === null) return Object.is(part, all);
  if (typeof all !== "object" || all === null || Array.isArray(all)) return false;
  return Object.entries(part).every(([name, child]) => name in all && isPrefix(child, Object(all)[name]));
}

const normal = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;

describe("readJsonText", () => {
  it("reads back what is printed as JSON, Python and YAML", () => {
    fc.assert(
      fc.property(records, (value) => {
        const expected = normal(value);
        expect(readJsonText(JSON.stringify(value, null, 2))?.value).toEqual(expected);
        const whole = value.every((record) => !/\d{16}|[eE][+-]?\d/.test(JSON.stringify(record)));
        if (!whole) return;
        expect(readJsonText(pythonText(expected))?.value).toEqual(expected);
        expect(readJsonText(yamlText(expected, "").trimStart())?.value).toEqual(expected);
      }),
      { numRuns: 3_000 },
    );
  });

  it("reads of a cut text only what the whole text says", () => {
    fc.assert(
      fc.property(records, fc.double({ min: 0, max: 1, noNaN: true }), (value, share) => {
        const whole = normal(value);
        for (const printed of [JSON.stringify(value), pythonText(whole)]) {
          const reading = readJsonText(printed.slice(0, Math.floor(share * (printed.length - 1))));
          if (reading === undefined) continue;
          expect(reading.complete).toBe(false);
          if (!/\d{16}|[eE][+-]?\d/.test(printed)) expect(isPrefix(reading.value, whole)).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("answers for any text", () => {
    const piece = fc.constantFrom(
      "a",
      ": ",
      ":",
      "\n",
      "  ",
      "- ",
      "'",
      '"',
      "{",
      "}",
      "[",
      "]",
      ",",
      "|",
      ">",
      "#",
      "\\",
      "1",
      "(",
      ")",
      "+",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const reading = readJsonText(pieces.join(""));
        if (reading !== undefined) expect(JSON.parse(JSON.stringify(reading.value))).toEqual(reading.value);
      }),
      { numRuns: 5_000 },
    );
  });
});

const DATA = new URL("../../../../../shared/data/", import.meta.url);

describe("readJsonText on recorded results", () => {
  it.runIf(existsSync(DATA))("reads at least 95 % of those that look structured", () => {
    let looking = 0;
    let read = 0;
    for (const folder of ["agentdojo/", "tau-bench/"]) {
      for (const file of readdirSync(new URL(folder, DATA)).filter((name) => name.endsWith(".jsonl"))) {
        for (const line of readFileSync(new URL(folder + file, DATA), "utf8").split("\n")) {
          const result: unknown = line === "" ? "" : JSON.parse(line).result;
          if (typeof result !== "string" || !/^(?:- |[[{]|\w+:[ \n][\s\S]*\n)/.test(result)) continue;
          looking += 1;
          if (readJsonText(result) !== undefined) read += 1;
        }
      }
    }
    expect(looking).toBeGreaterThan(1_000);
    expect(read / looking).toBeGreaterThanOrEqual(0.95);
  });
});
