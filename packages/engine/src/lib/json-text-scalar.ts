import type { JsonValue } from "@handlebar/protocol";

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\u0007",
  e: "\u001b",
  "0": "\0",
  " ": " ",
  '"': '"',
  "'": "'",
  "/": "/",
  "\\": "\\",
  N: "\u0085",
  _: "\u00a0",
  L: "\u2028",
  P: "\u2029",
};
const HEX_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Reads the escape whose backslash stands at `position`; `undefined` when there is no such escape. */
export function readEscape(
  text: string,
  position: number,
): { readonly value: string; readonly end: number } | undefined {
  const letter = text[position + 1] ?? "";
  const hexLength = Object.hasOwn(HEX_LENGTHS, letter) ? HEX_LENGTHS[letter] : undefined;
  if (hexLength !== undefined) {
    const end = position + 2 + hexLength;
    const digits = text.slice(position + 2, end);
    const isWhole = digits.length === hexLength && /^[0-9a-fA-F]+$/.test(digits);
    const code = Number.parseInt(digits, 16);
    return isWhole && code <= 0x10ffff ? { value: String.fromCodePoint(code), end } : undefined;
  }
  const value = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  return value === undefined ? undefined : { value, end: position + 2 };
}

const NUMBER = /^[-+]?(?:0|[1-9]\d*|0?(?=\.\d))(?:\.\d*(?:[eE][-+]?\d+)?|[eE][-+]\d+)?$/;

/**
 * What an unquoted scalar says: null, a boolean, a number, else its own text. Integers that a number cannot hold exactly,
 * such as account numbers, digits with a leading zero, and `1e5` (a number in YAML 1.2 only) stay text.
 */
export function plainScalar(text: string): JsonValue {
  if (text === "" || text === "~" || text === "null" || text === "Null" || text === "NULL") return null;
  if (text === "true" || text === "True" || text === "TRUE") return true;
  if (text === "false" || text === "False" || text === "FALSE") return false;
  if (text.length > 32 || !NUMBER.test(text)) return text;
  const number = Number(text);
  const isExact = Number.isFinite(number) && (/[.eE]/.test(text) || Number.isSafeInteger(number));
  return isExact ? number : text;
}

/** Joins the lines of a plain scalar: one break is a space, each further one a break. */
export function foldLines(lines: readonly string[]): string {
  let text = "";
  let breaks = 0;
  for (const line of lines) {
    if (line === "") {
      breaks += 1;
      continue;
    }
    if (text !== "") text += breaks > 0 ? "\n".repeat(breaks) : " ";
    text += line;
    breaks = 0;
  }
  return text;
}

/** The text of a block scalar's lines, freed of their indent: `>` folds them, `chomp` says what becomes of the end. */
export function blockText(lines: readonly string[], isFolded: boolean, chomp: string): string {
  let count = lines.length;
  while (count > 0 && lines[count - 1] === "") count -= 1;
  const body = lines.slice(0, count);
  const text = isFolded ? foldBlock(body) : body.join("\n");
  if (count === 0) return chomp === "+" ? "\n".repeat(lines.length) : "";
  if (chomp === "-") return text;
  return `${text}\n${chomp === "+" ? "\n".repeat(lines.length - count) : ""}`;
}

/** Breaks between lines at the block's own indent become spaces; those beside further indented lines stay. */
function foldBlock(lines: readonly string[]): string {
  let text = "";
  let breaks = 0;
  let isDeep = false;
  for (const [index, line] of lines.entries()) {
    const isDeepNow = line.startsWith(" ") || line.startsWith("\t");
    if (line === "") {
      breaks += 1;
      continue;
    }
    if (index > breaks || text !== "") {
      if (isDeep || isDeepNow) text += "\n".repeat(breaks + 1);
      else text += breaks > 0 ? "\n".repeat(breaks) : " ";
    } else {
      text += "\n".repeat(breaks);
    }
    text += line;
    breaks = 0;
    isDeep = isDeepNow;
  }
  return text;
}

/**
 * Reads a YAML quoted scalar that starts at `position` and may go on over lines, where one break is a space and each
 * further one a break. `open` when the text ends inside it, `bad` for an escape that does not exist.
 */
export function readYamlQuoted(
  text: string,
  position: number,
): { readonly value: string; readonly end: number } | "open" | "bad" {
  const quote = text[position] ?? "";
  const pieces: string[] = [];
  let start = position + 1;
  let at = start;
  while (at < text.length) {
    const character = text[at];
    if (character === quote) {
      const isDoubled = quote === "'" && text[at + 1] === "'";
      pieces.push(text.slice(start, isDoubled ? at + 1 : at));
      if (!isDoubled) return { value: pieces.join(""), end: at + 1 };
      start = at + 2;
      at = start;
    } else if (character === "\n" || character === "\r") {
      const fold = foldBreaks(text, at);
      pieces.push(trimEndFrom(text.slice(start, at)), fold.breaks === 1 ? " " : "\n".repeat(fold.breaks - 1));
      start = fold.end;
      at = start;
    } else if (character === "\\" && quote === '"') {
      pieces.push(text.slice(start, at));
      const isLineEnd = text[at + 1] === "\n" || text[at + 1] === "\r";
      const escaped = isLineEnd ? undefined : readEscape(text, at);
      if (!isLineEnd && escaped === undefined) return at + 10 >= text.length ? "open" : "bad";
      const fold = isLineEnd ? foldBreaks(text, at + 1) : undefined;
      pieces.push(escaped?.value ?? "\n".repeat((fold?.breaks ?? 1) - 1));
      start = escaped?.end ?? fold?.end ?? text.length;
      at = start;
    } else {
      at += 1;
    }
  }
  return "open";
}

function trimEndFrom(line: string): string {
  return line.replace(/[ \t]+$/, "");
}

/** From a line break on: how many there are, and where the next line's content begins. */
function foldBreaks(text: string, position: number): { readonly breaks: number; readonly end: number } {
  let breaks = 0;
  let at = position;
  for (; at < text.length && " \t\r\n".includes(text[at] ?? ""); at += 1) if (text[at] === "\n") breaks += 1;
  return { breaks: Math.max(1, breaks), end: at };
}
