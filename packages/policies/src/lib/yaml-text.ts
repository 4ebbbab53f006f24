/** Lists and objects that fit go on one line up to this column. */
const LINE_WIDTH = 100;
/** Levels of brackets on one line that people still read. */
const INLINE_LEVELS = 2;
/** YAML wants a longer name of a field marked; inside brackets it does not. */
const NAME_LENGTH_MAX = 1000;

/** Plain JSON as YAML 1.2 in the form that people write; ends with a line break. */
export function yamlText(value: unknown): string {
  if (isObject(value) && Object.keys(value).length > 0) return `${blockMap(value, 0).join("\n")}\n`;
  return `${inline(value)}\n`;
}

/** The lines of an object's fields at `indent`. */
function blockMap(value: object, indent: number): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    field(`${" ".repeat(indent)}${nameText(key)}:`, inner, indent),
  );
}

/** `head value` on one line, or `head` and the value's lines below it. */
function field(head: string, value: unknown, indent: number): string[] {
  const text = typeof value === "string" ? literalText(value, indent + 2) : undefined;
  if (text !== undefined) return [`${head} ${text[0]}`, ...text.slice(1)];
  if (isLine(value, head.length)) return [`${head} ${inline(value, isObject(value) || Array.isArray(value))}`];
  if (Array.isArray(value)) return [head, ...value.flatMap((item) => listItem(item, indent + 2))];
  return isObject(value) ? [head, ...blockMap(value, indent + 2)] : [`${head} ${inline(value, false)}`];
}

/** `- value`, an object's first field beside the dash. */
function listItem(value: unknown, indent: number): string[] {
  const dash = `${" ".repeat(indent)}-`;
  if (!isObject(value) || isLine(value, dash.length)) return field(dash, value, indent);
  const [first, ...rest] = blockMap(value, indent + 2);
  return [`${dash} ${(first ?? "").trimStart()}`, ...rest];
}

/** It goes beside its field's name: a text or number, an empty list or object, or a short one without nested objects in a list. */
function isLine(value: unknown, column: number): boolean {
  if (!isObject(value) && !Array.isArray(value)) return true;
  if (hasLongName(value) || Object.keys(value).length === 0) return true;
  if (listsObjects(value) || nests(value) > INLINE_LEVELS || hasLines(value)) return false;
  return column + 1 + inline(value, true).length <= LINE_WIDTH;
}

/** On one line; `bracketed` when it stands inside brackets. */
function inline(value: unknown, bracketed = false): string {
  if (typeof value === "string") return scalarText(value, bracketed);
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, true)).join(", ")}]`;
  if (!isObject(value)) return String(value);
  const fields = Object.entries(value).map(([key, inner]) => `${nameText(key)}: ${inline(inner, true)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

const PLAIN = /^[\p{L}_](?:[\p{L}\p{N}_.*?/@+()'"=<>!%&$;-]| (?=[\p{L}\p{N}_*?/@+('"=<>!%&$;-]))*$/u;
const PLAIN_BESIDE_NAME = /^[\p{L}_](?:[\p{L}\p{N}_.,*?/@+()'"=<>!%&$;-]| (?=[\p{L}\p{N}_*?/@+('"=<>!%&$;-]))*$/u;
/** What YAML 1.1 or 1.2 reads as something other than text. */
const RESERVED = /^(?:null|true|false|yes|no|on|off|y|n)$/i;

function scalarText(text: string, bracketed: boolean): string {
  const plain = (bracketed ? PLAIN : PLAIN_BESIDE_NAME).test(text) && !RESERVED.test(text);
  return plain ? text : quoted(text);
}

/** `on` is the one reserved word that is a field of policies; YAML 1.2 reads it as text. */
function nameText(name: string): string {
  return name === "on" ? name : scalarText(name, true);
}

/** JSON's form of a text is YAML's too, once what YAML calls unprintable is escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Several lines of text as a literal block, the mark first; `undefined` where that would not keep it exactly. */
function literalText(text: string, indent: number): readonly string[] | undefined {
  if (!text.includes("\n") || /[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdff]/.test(text)) return undefined;
  if (/^[\s]/.test(text) || /\n\n$/.test(text)) return undefined;
  const body = text.endsWith("\n") ? text.slice(0, -1) : text;
  const lines = body.split("\n").map((line) => (line === "" ? "" : " ".repeat(indent) + line));
  return [text.endsWith("\n") ? "|" : "|-", ...lines];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nests(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(nests));
}

function listsObjects(value: object): boolean {
  if (Array.isArray(value)) return value.some(isObject);
  return Object.values(value).some((inner) => typeof inner === "object" && inner !== null && listsObjects(inner));
}

function hasLines(value: object): boolean {
  return Object.values(value).some((inner) => {
    return typeof inner === "string"
      ? inner.includes("\n")
      : typeof inner === "object" && inner !== null && hasLines(inner);
  });
}

function hasLongName(value: object): boolean {
  return !Array.isArray(value) && Object.keys(value).some((key) => key.length > NAME_LENGTH_MAX);
}
