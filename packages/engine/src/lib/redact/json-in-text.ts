import { DETECTOR_IDS, type JsonValue } from "@handlebar/protocol";
import { readJsonText } from "../json-text.ts";

/** A list or object that a text holds. */
export interface Rewritable {
  readonly value: JsonValue & object;
  /** The text for a changed value; `undefined` when there is none that says the rest as it was said. */
  readonly write: (changed: unknown) => string | undefined;
}

/** What earlier redaction wrote. Outside a JSON text it would read as a list, which the text did not hold before. */
const MARKS = new RegExp(`\\[(?:redacted(?::(?:unscanned|${DETECTOR_IDS.join("|")}))?|hash:[0-9a-f]{8,16})\\]`, "g");

/** Reads a text that holds a list or an object, in any of the forms that `readJsonText` knows. */
export function readRewritable(text: string): Rewritable | undefined {
  const whole = readJsonText(text);
  const read = whole?.format === "json" ? whole : readJsonText(text.replace(MARKS, (mark) => "x".repeat(mark.length)));
  if (read === undefined || typeof read.value !== "object" || read.value === null) return undefined;
  const isJson = read.format === "json" && read.complete;
  return { value: read.value, write: (changed) => (isJson ? writeJson(changed, text) : undefined) };
}

/** Whether a text that could not be read within the bounds holds JSON all the same. */
export function isJsonLike(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** Integers that lost digits when they were read must not be written back. */
function writeJson(value: unknown, original: string): string | undefined {
  let isFaithful = true;
  const look = (_key: string, item: unknown): unknown => {
    if (typeof item === "number" && Number.isInteger(item) && !Number.isSafeInteger(item)) isFaithful = false;
    return item;
  };
  const written = JSON.stringify(value, look, /^\s*[[{]\s*\n/.test(original) ? 2 : undefined);
  return isFaithful ? written : undefined;
}
