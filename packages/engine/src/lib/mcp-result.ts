import type { JsonValue } from "@handlebar/protocol";
import { readJsonText } from "./json-text.ts";

/** Parts of one result that are unwrapped; beyond it the result stays as it is. */
const PART_COUNT_MAX = 256;

type JsonRecord = { readonly [key: string]: JsonValue };

/**
 * What an MCP tool returned, without what the protocol wraps it in: `{ content: [{ type: "text", text }] }`, the list alone, or one part
 * of it. One text gives what it holds (a list or object where it is JSON or YAML), several give a list of what they hold. Once: what
 * comes out is not unwrapped again.
 *
 * `undefined` where the result is none of these, or where unwrapping would leave something out: other kinds of parts, other
 * fields, a structured content that says something else than the text, a text that was cut off, an error. Never throws.
 */
export function readMcpResult(result: JsonValue): JsonValue | undefined {
  try {
    return readResult(result);
  } catch {
    // Facts are plain data; what throws when it is read is none.
    return undefined;
  }
}

function readResult(result: JsonValue): JsonValue | undefined {
  if (Array.isArray(result)) return readParts(result);
  if (!isRecord(result)) return undefined;
  if (result["type"] === "text") return readParts([result]);
  const { content, structuredContent } = result;
  if (!Array.isArray(content) || !hasOnly(result, ENVELOPE_FIELDS)) return undefined;
  if (result["isError"] !== undefined && result["isError"] !== false) return undefined;
  const read = readParts(content);
  const saysMore = structuredContent !== undefined && JSON.stringify(structuredContent) !== JSON.stringify(read);
  return saysMore ? undefined : read;
}

const ENVELOPE_FIELDS: ReadonlySet<string> = new Set(["content", "isError", "structuredContent"]);
const PART_FIELDS: ReadonlySet<string> = new Set(["type", "text"]);

function readParts(parts: readonly JsonValue[]): JsonValue | undefined {
  if (parts.length === 0 || parts.length > PART_COUNT_MAX) return undefined;
  const values: JsonValue[] = [];
  for (const part of parts) {
    if (!isRecord(part) || part["type"] !== "text" || !hasOnly(part, PART_FIELDS)) return undefined;
    const { text } = part;
    if (typeof text !== "string") return undefined;
    const read = readJsonText(text);
    if (read?.complete === false) return undefined;
    values.push(read?.value ?? text);
  }
  return values.length === 1 ? values[0] : values;
}

function isRecord(value: JsonValue | undefined): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasOnly(record: JsonRecord, fields: ReadonlySet<string>): boolean {
  return Object.keys(record).every((key) => fields.has(key));
}
