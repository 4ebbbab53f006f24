import { PATH_INDEX_MAX, PATH_LENGTH_MAX, PATH_STEP_COUNT_MAX } from "./limits.ts";

/**
 * One step into a value:
 * - `key`: the own property `name`; a name of digits also reads that element of a list;
 * - `index`: element `index` of a list, from 0;
 * - `each`: every element of a list;
 * - `any`: every property of an object or element of a list;
 * - `leaves`: every value below that is not an object or list, at any depth; always the last step.
 */
export type PathStep =
  | { readonly kind: "key"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "each" }
  | { readonly kind: "any" }
  | { readonly kind: "leaves" };

/** A parsed path; never empty. */
export type Path = readonly PathStep[];

const BARE_NAME = /[^.[\]"'*\p{Cc}]+/uy;
const INDEX = /\[(0|[1-9]\d{0,3})\]/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y;

/**
 * Parses a path. Steps are joined by dots: bare names (`a.b`, any characters but `.`, brackets, quotes, `*` and control
 * characters), quoted names with JSON's escapes (`a["x.y"]`, `a.'x.y'`), `items[0]`, `items[].price`, `a.*`, and, as the
 * last step, `**`. Returns a sentence that says what is wrong, and where (counted from 1), when the text is no path.
 */
export function parsePath(text: string): Path | string {
  if (text.length === 0) return "path is empty";
  if (text.length > PATH_LENGTH_MAX) return `path has ${text.length} characters; use at most ${PATH_LENGTH_MAX}`;
  const steps: PathStep[] = [];
  let position = 0;
  while (position < text.length) {
    if (steps.at(-1)?.kind === "leaves") return "`**` must be the last step";
    const isFirst = steps.length === 0;
    const isBracket = text[position] === "[";
    if (!isFirst && !isBracket && text[position] !== ".") return `expected \`.\` or \`[\` at character ${position + 1}`;
    const start = isFirst || isBracket ? position : position + 1;
    const read = isBracket ? readBracket(text, start) : readName(text, start);
    if (typeof read === "string") return read;
    steps.push(read.step);
    if (steps.length > PATH_STEP_COUNT_MAX) return `path has more than ${PATH_STEP_COUNT_MAX} steps`;
    position = read.end;
  }
  return steps;
}

interface ReadStep {
  readonly step: PathStep;
  readonly end: number;
}

function readName(text: string, start: number): ReadStep | string {
  if (text.startsWith("**", start)) return { step: { kind: "leaves" }, end: start + 2 };
  if (text[start] === "*") return { step: { kind: "any" }, end: start + 1 };
  if (text[start] === '"' || text[start] === "'") return readQuoted(text, start);
  const name = matchAt(BARE_NAME, text, start);
  if (name === undefined) return `expected a name at character ${start + 1}`;
  return { step: { kind: "key", name }, end: start + name.length };
}

function readBracket(text: string, start: number): ReadStep | string {
  if (text.startsWith("[]", start)) return { step: { kind: "each" }, end: start + 2 };
  const number = matchAt(INDEX, text, start);
  if (number !== undefined) {
    return { step: { kind: "index", index: Number(number.slice(1, -1)) }, end: start + number.length };
  }
  if (text[start + 1] !== '"' && text[start + 1] !== "'") {
    return `expected \`]\`, a quoted name or a number up to ${PATH_INDEX_MAX} at character ${start + 2}`;
  }
  const read = readQuoted(text, start + 1);
  if (typeof read === "string") return read;
  if (text[read.end] !== "]") return `expected \`]\` at character ${read.end + 1}`;
  return { step: read.step, end: read.end + 1 };
}

function readQuoted(text: string, start: number): ReadStep | string {
  const quoted = matchAt(QUOTED, text, start);
  if (quoted === undefined) return `unclosed quote at character ${start + 1}`;
  const inner = quoted.slice(1, -1);
  try {
    const name: unknown = JSON.parse(quoted[0] === '"' ? quoted : `"${toDoubleQuoted(inner)}"`);
    if (typeof name === "string") return { step: { kind: "key", name }, end: start + quoted.length };
  } catch {
    // The sentence below says what JSON's own message would say less plainly.
  }
  return `bad escape or control character in the quoted name at character ${start + 1}`;
}

function toDoubleQuoted(inner: string): string {
  return inner.replace(/\\.|"/gs, (found) => (found === '"' ? '\\"' : found === "\\'" ? "'" : found));
}

function matchAt(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}

/** The text of a path. `parsePath` of it gives the path again. */
export function printPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (step.kind === "index") text += `[${step.index}]`;
    else if (step.kind === "each") text += "[]";
    else if (step.kind === "any") text += text === "" ? "*" : ".*";
    else if (step.kind === "leaves") text += text === "" ? "**" : ".**";
    else if (matchAt(BARE_NAME, step.name, 0) !== step.name) text += `[${JSON.stringify(step.name)}]`;
    else text += text === "" ? step.name : `.${step.name}`;
  }
  return text;
}

/**
 * Whether every leaf that `narrow` can reach, in any value, is reached by `wide` too. Sound: `true` is proved, `false`
 * may also mean that it could not be proved.
 */
export function pathCovers(wide: Path, narrow: Path): boolean {
  for (const [position, step] of wide.entries()) {
    if (step.kind === "leaves") return true;
    const other = narrow[position];
    if (other === undefined || !stepCovers(step, other)) return false;
  }
  return wide.length === narrow.length;
}

function stepCovers(wide: PathStep, narrow: PathStep): boolean {
  if (narrow.kind === "leaves") return false;
  if (wide.kind === "any") return true;
  if (wide.kind === "each") return narrow.kind === "each" || narrow.kind === "index";
  if (wide.kind === "index") return narrow.kind === "index" && narrow.index === wide.index;
  if (wide.kind !== "key") return false;
  if (narrow.kind === "index") return wide.name === String(narrow.index);
  return narrow.kind === "key" && narrow.name === wide.name;
}

/** Whether a name counts an element of a list. */
export function isElementName(name: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(name);
}
