import type * as z from "zod";
import { closestName } from "./spelling.ts";

export type RawIssue = z.core.$ZodIssue;

/** What is wrong at an issue's place, what to do, and the field below it when that does not exist. */
export interface Finding {
  readonly what: string;
  readonly fix?: string | undefined;
  readonly field?: string | undefined;
}

type UnionIssue = Extract<RawIssue, { code: "invalid_union" }>;

/** Longest piece of the user's own text that a message repeats, in UTF-16 code units. */
const SHOWN_LENGTH_MAX = 60;
/** Most names that a message lists. */
const LISTED_COUNT_MAX = 30;

/** The fields of an object schema as a message that `describeIssue` reads back. */
export function allowedFields(schema: unknown): string | undefined {
  const def = schemaDef(schema);
  if (typeof def?.["shape"] !== "object" || def["shape"] === null) return undefined;
  return listOf(Object.keys(def["shape"]));
}

/** The branch of a plain union that came furthest, where one fits better than all others. */
export function unionBranch(issue: UnionIssue): readonly RawIssue[] | undefined {
  const scored = issue.errors
    .filter((issues) => issues.length > 0 && !issues.some((inner) => isOfOtherType(inner)))
    .map((issues) => ({ issues, depth: Math.max(...issues.map((inner) => inner.path.length)), count: issues.length }));
  scored.sort((a, b) => b.depth - a.depth || a.count - b.count);
  return scored[0]?.issues;
}

/** What one issue says, in Handlebar's words. */
export function describeIssue(issue: RawIssue): readonly Finding[] {
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((field) => unknownField(field, issue.message));
    case "invalid_union":
      return [issue.discriminator === undefined ? noBranch(issue) : wrongTag(issue, issue.discriminator)];
    case "invalid_value":
      return [wrongValue(issue.input, "input" in issue, issue.values)];
    case "invalid_type":
      return [wrongType(issue)];
    case "too_small":
      return [
        { what: `must ${sizeOf(issue.origin, Number(issue.minimum), issue.inclusive === false ? "more" : "least")}` },
      ];
    case "too_big":
      return [
        { what: `must ${sizeOf(issue.origin, Number(issue.maximum), issue.inclusive === false ? "less" : "most")}` },
      ];
    case "invalid_format":
      return [{ what: FORMATS.get(issue.format) ?? lowerFirst(issue.message) }];
    case "invalid_key":
      return [
        { what: `has a name that cannot be used: ${issue.issues.flatMap(describeIssue).map(phrase).join(", ")}` },
      ];
    default:
      return [{ what: lowerFirst(issue.message) }];
  }
}

const FORMATS: ReadonlyMap<string, string> = new Map([
  ["datetime", "must be a date and time in ISO 8601 with a zone, such as `2026-01-31T09:00:00Z`"],
  ["uuid", "must be a UUID"],
]);

function unknownField(field: string, listing: string): Finding {
  const allowed = listing.startsWith("`") ? [...listing.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "") : [];
  const meant = closestName(field, allowed);
  if (meant !== undefined) return { what: "unknown field", fix: `did you mean \`${meant}\`?`, field };
  if (allowed.length === 0) return { what: "unknown field", fix: "remove it or correct its spelling", field };
  return { what: "unknown field", fix: `the fields here are ${listing}`, field };
}

function wrongTag(issue: UnionIssue, key: string): Finding {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  const input: unknown = issue.input;
  const known = typeof input === "object" && input !== null;
  return wrongValue(known ? Reflect.get(input, key) : undefined, known, options);
}

function wrongValue(input: unknown, known: boolean, values: readonly unknown[]): Finding {
  const listing = listOf(values.map(String));
  const one = values.length === 1;
  if (!known) return { what: one ? `must be ${listing}` : `must be one of ${listing}` };
  if (input === undefined) return { what: "is required", fix: one ? `write ${listing}` : `use one of ${listing}` };
  const meant = typeof input === "string" ? closestName(input, values.map(String)) : undefined;
  const what = `must be ${one ? "" : "one of "}${listing}, not ${typeof input === "string" ? clip(input) : show(input)}`;
  return meant === undefined ? { what } : { what, fix: `did you mean \`${meant}\`?` };
}

function wrongType(issue: Extract<RawIssue, { code: "invalid_type" }>): Finding {
  const expected = TYPES.get(issue.expected) ?? `a value of type ${issue.expected}`;
  const missing = "input" in issue ? issue.input === undefined : /received undefined$/.test(issue.message);
  if (missing) return { what: `is required; give ${expected}` };
  if (!("input" in issue)) return { what: `must be ${expected}` };
  const what = `must be ${expected}, not ${show(issue.input)}`;
  return isQuoted(issue.input, issue.expected) ? { what, fix: "write it without quotes" } : { what };
}

/** Text that would be right without its quotes. */
function isQuoted(input: unknown, expected: string): boolean {
  if (typeof input !== "string") return false;
  if (expected === "boolean") return input === "true" || input === "false";
  return (expected === "number" || expected === "int") && input.trim() !== "" && Number.isFinite(Number(input));
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["tuple", "a list"],
  ["object", "an object"],
  ["record", "an object"],
  ["null", "null"],
]);

function noBranch(issue: UnionIssue): Finding {
  const wanted = new Set<string>();
  for (const branch of issue.errors) {
    const first = branch[0];
    if (first?.code === "invalid_value") for (const value of first.values) wanted.add(`\`${String(value)}\``);
    else if (first?.code === "invalid_type") wanted.add(TYPES.get(first.expected) ?? first.expected);
  }
  if (wanted.size === 0) return { what: "has none of the forms that are allowed here" };
  const anyJson = wanted.has("null") && wanted.has("a list") && wanted.has("an object");
  const expected = anyJson ? "plain JSON" : orList([...wanted]);
  if ("input" in issue && issue.input === undefined) return { what: `is required; give ${expected}` };
  const what = `must be ${expected}`;
  return { what: "input" in issue ? `${what}, not ${show(issue.input)}` : what };
}

/** The branch wants another type at its root altogether, so it says nothing about what the author meant. */
function isOfOtherType(issue: RawIssue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_type") return true;
  if (issue.code === "invalid_value") return "input" in issue && typeof issue.input !== typeof issue.values[0];
  return issue.code === "invalid_union" && issue.errors.length > 0 && unionBranch(issue) === undefined;
}

function sizeOf(origin: string, bound: number, side: "least" | "most" | "more" | "less"): string {
  const words = { least: "at least", most: "at most", more: "more than", less: "less than" };
  const limit = `${words[side]} ${bound}`;
  if (origin === "string" && side === "least" && bound === 1) return "not be empty";
  if (origin === "array" && side === "least" && bound === 1) return "have at least one element";
  if (origin === "string") return `be ${limit} characters long`;
  if (origin === "array" || origin === "set") return `have ${limit} elements`;
  return `be ${limit}`;
}

export function show(input: unknown): string {
  switch (typeof input) {
    case "string":
      return `the text ${clip(input)}`;
    case "number":
    case "boolean":
    case "bigint":
      return `\`${String(input)}\``;
    case "object":
      if (input === null) return "null";
      if (Array.isArray(input)) return "a list";
      return isPlain(input) ? "an object" : "an instance of a class";
    default:
      return `a value of type ${typeof input}`;
  }
}

function isPlain(input: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || prototype === Object.prototype;
}

function orList(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** In backticks and on one line, whatever it holds. */
function clip(text: string): string {
  const short = text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
  return `\`${short.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}\``;
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_COUNT_MAX).map((name) => `\`${name}\``);
  return shown.join(", ") + (names.length > LISTED_COUNT_MAX ? " and others" : "");
}

function phrase(finding: Finding): string {
  return finding.fix === undefined ? finding.what : `${finding.what}; ${finding.fix}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function schemaDef(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof schema !== "object" || schema === null || !("_zod" in schema)) return undefined;
  const internals = schema._zod;
  if (typeof internals !== "object" || internals === null || !("def" in internals)) return undefined;
  const def = internals.def;
  return typeof def === "object" && def !== null ? (def as Readonly<Record<string, unknown>>) : undefined;
}
