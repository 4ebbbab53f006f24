import type { JsonValue } from "@handlebar/protocol";
import { CUT, FAIL, FlowReader } from "./json-text-flow.ts";
import { YamlReader } from "./json-text-yaml.ts";
import { JSON_TEXT_LENGTH_MAX, VALUE_DEPTH_MAX, VALUE_NODE_COUNT_MAX } from "./limits.ts";

/** A list or object that arrived as text. */
export interface TextReading {
  /** A list or an object; never a lone text or number. */
  readonly value: JsonValue;
  /** `literal`: what Python or JavaScript print of a dictionary, list or object; `lines`: one JSON value on each line. */
  readonly format: "json" | "lines" | "literal" | "yaml";
  /** False when the text was cut off: `value` is what was whole before the end, and the rest is in no field. */
  readonly complete: boolean;
}

/**
 * Reads a result that arrived as text: JSON, JSON lines, the literals that Python and JavaScript print, and YAML as
 * programs print it, also cut off at the end and also inside one Markdown code fence. `undefined` when the text is not
 * surely one of these (prose with a colon is not), or is past the bounds: 262,144 UTF-16 code units, 32 levels, 10,000
 * values. Takes time linear in the text and never throws.
 */
export function readJsonText(text: string): TextReading | undefined {
  if (text.length > JSON_TEXT_LENGTH_MAX) return undefined;
  const body = withoutFence(text.replace(/^\ufeff/, "").trimEnd()).replace(/^(?:[ \t]*\r?\n)+/, "");
  const trimmed = body.trimStart();
  if (trimmed.startsWith("{") || trimmed.startsWith("[") || trimmed.startsWith("(")) return readBracketed(trimmed);
  return readYaml(body);
}

function withoutFence(text: string): string {
  if (!text.endsWith("```")) return text;
  const opening = /^\s*```[\w-]*[ \t\r]*\n/.exec(text)?.[0];
  return opening === undefined ? text : text.slice(opening.length, -3).trimEnd();
}

function readBracketed(text: string): TextReading | undefined {
  const whole = parseJson(text);
  if (whole !== undefined) return isWithinBounds(whole) ? { value: whole, format: "json", complete: true } : undefined;
  const lines = readLines(text);
  if (lines !== undefined) return lines;
  const literal = readFlow(text, false);
  const isFlowMapping = literal === undefined && /^\{[\p{L}_]/u.test(text);
  return isFlowMapping ? readFlow(text, true) : literal;
}

function readFlow(text: string, isYaml: boolean): TextReading | undefined {
  const reader = new FlowReader(text, { position: 0, isYaml });
  const value = reader.read(0);
  if (value === FAIL || value === CUT || typeof value !== "object" || value === null) return undefined;
  if (!reader.isCut) {
    const format = isYaml ? "yaml" : "literal";
    return reader.position === text.length ? { value, format, complete: true } : undefined;
  }
  const isEmpty = Object.keys(value).length === 0;
  const format = text.includes("'") ? "literal" : "json";
  return isEmpty || isYaml ? undefined : { value, format, complete: false };
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function readLines(text: string): TextReading | undefined {
  const lines = text.split("\n");
  if (lines.length < 2 || !/^\{.*\}\s*$/.test(lines[0] ?? "")) return undefined;
  const values: JsonValue[] = [];
  for (const line of lines) {
    if (line.trim() === "") continue;
    const value = parseJson(line);
    if (typeof value !== "object" || value === null) return undefined;
    values.push(value);
  }
  return isWithinBounds(values) ? { value: values, format: "lines", complete: true } : undefined;
}

function isWithinBounds(value: JsonValue): boolean {
  let nodeCount = 0;
  const isFine = (node: JsonValue, depth: number): boolean => {
    nodeCount += 1;
    if (depth > VALUE_DEPTH_MAX || nodeCount > VALUE_NODE_COUNT_MAX) return false;
    if (typeof node !== "object" || node === null) return true;
    return Object.values(node).every((child: JsonValue) => isFine(child, depth + 1));
  };
  return isFine(value, 0);
}

/** YAML 1.1 and 1.2 disagree on whether U+2028 and its like break lines; text that depends on it is not read. */
function readYaml(text: string): TextReading | undefined {
  if (!/^(?:---\s*\n)?\s*(?:-\s|["'\p{L}_$][^\n]*:(?:\s|$))/u.test(text)) return undefined;
  if (/[\u0085\u2028\u2029]\s/.test(text)) return undefined;
  const reader = new YamlReader(text);
  const value = reader.read();
  if (value === FAIL || value === CUT || typeof value !== "object" || value === null) return undefined;
  if (!isConvincing(text, value, reader.outerKeys)) return undefined;
  return { value, format: "yaml", complete: !reader.isCut };
}

/** People write `Note: call me` and `- buy milk`; programs print several fields whose names hold no space. */
function isConvincing(text: string, value: JsonValue, outerKeys: readonly string[]): boolean {
  const isOneLine = !text.includes("\n");
  if (isOneLine && !(Array.isArray(value) && typeof value[0] === "object")) return false;
  return outerKeys.every((key) => /^[\p{L}_$][\p{L}\p{N}_$.@/-]*$/u.test(key));
}
