import type { JsonValue } from "@handlebar/protocol";
import { CUT, FAIL, FlowReader, type Outcome } from "./json-text-flow.ts";
import { blockText, foldLines, plainScalar, readYamlQuoted } from "./json-text-scalar.ts";
import { JSON_TEXT_KEY_LENGTH_MAX, VALUE_DEPTH_MAX, VALUE_NODE_COUNT_MAX } from "./limits.ts";
import { setOwn } from "./own-property.ts";

interface Line {
  readonly start: number;
  /** After the last character of the line that is not white space. */
  readonly to: number;
  /** After the last character of the line, without its break. */
  readonly end: number;
  /** Where the content begins; moves on when a list item begins in the middle of the line. */
  from: number;
}

interface Key {
  readonly name: string;
  readonly isQuoted: boolean;
  /** After the colon and the space behind it. */
  readonly valueAt: number;
}

/** A text that stops for want of room is longer than this; a shorter one that ends badly is no YAML. */
const CUT_LENGTH_MIN = 1_000;

/**
 * Reads the YAML that programs print: block mappings and lists, quoted, plain and block scalars over several lines, and
 * flow collections. Anchors, aliases, tags, several documents and duplicate keys are refused: they are not read, rather
 * than read wrongly.
 */
export class YamlReader {
  readonly #text: string;
  readonly #lines: Line[] = [];
  #at = 0;
  #nodeCount = 0;
  /** 1 when the document is a list, else 0. */
  #outerDepth = 0;
  /** The text ended inside a value: what was read before it is kept. */
  isCut = false;
  /** Names of the outermost mapping's, or of the outermost list's mappings', unquoted keys. */
  readonly outerKeys: string[] = [];

  constructor(text: string) {
    this.#text = text;
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf("\n", start);
      const next = found < 0 ? text.length : found;
      const end = text[next - 1] === "\r" && next > start ? next - 1 : next;
      let from = start;
      while (from < end && text[from] === " ") from += 1;
      let to = end;
      while (to > from && (text[to - 1] === " " || text[to - 1] === "\t")) to -= 1;
      this.#lines.push({ start, to, end, from: Math.min(from, to) });
      start = next + 1;
    }
  }

  /** The whole document; `FAIL` unless it is one list or mapping with nothing behind it. */
  read(): Outcome {
    if (this.#content(this.#line()) === "---") this.#at += 1;
    this.#skipBlank();
    const first = this.#line();
    if (first !== undefined && this.#isDash(first)) this.#outerDepth = 1;
    const value = this.#readNode(0, 0);
    if (typeof value !== "object" || value === null) return FAIL;
    this.#skipBlank();
    if (this.#content(this.#line()) === "...") this.#at += 1;
    this.#skipBlank();
    return this.#line() === undefined || this.isCut ? value : FAIL;
  }

  #line(): Line | undefined {
    return this.#lines[this.#at];
  }

  #content(line: Line | undefined): string | undefined {
    return line === undefined ? undefined : this.#text.slice(line.from, line.to);
  }

  #skipBlank(): void {
    for (let line = this.#line(); line !== undefined; line = this.#line()) {
      if (line.from < line.to && this.#text[line.from] !== "#") return;
      this.#at += 1;
    }
  }

  #isDash(line: Line): boolean {
    return this.#text[line.from] === "-" && (line.from + 1 === line.to || this.#text[line.from + 1] === " ");
  }

  #readNode(indentMin: number, depth: number): Outcome {
    this.#nodeCount += 1;
    if (depth > VALUE_DEPTH_MAX || this.#nodeCount > VALUE_NODE_COUNT_MAX) return FAIL;
    this.#skipBlank();
    const line = this.#line();
    if (line === undefined) return null;
    const indent = line.from - line.start;
    if (indent < indentMin) return null;
    if (this.#isDash(line)) return this.#readList(indent, depth);
    if (this.#findKey(line) !== undefined) return this.#readMapping(indent, depth);
    return this.#readScalar(line.from, indentMin - 1, depth);
  }

  #readList(indent: number, depth: number): Outcome {
    const list: JsonValue[] = [];
    for (;;) {
      this.#skipBlank();
      const line = this.#line();
      if (line === undefined || line.from - line.start < indent) return list;
      if (line.from - line.start > indent || !this.#isDash(line)) return this.#endOfBlock(line, list, indent);
      let rest = line.from + 1;
      while (this.#text[rest] === " " && rest < line.to) rest += 1;
      if (rest >= line.to) this.#at += 1;
      else line.from = rest;
      const item = this.#readNode(indent + 1, depth + 1);
      if (item === FAIL) return FAIL;
      if (item !== CUT && !(this.isCut && isEmptyObject(item))) list.push(item);
      if (item === CUT || this.isCut) return this.#cutOff(list);
    }
  }

  /** A list may end at a key of the mapping that holds it; anything else is out of place. */
  #endOfBlock(line: Line, list: JsonValue[], indent: number): Outcome {
    return line.from - line.start === indent && this.#findKey(line) !== undefined ? list : this.#failOrCut(line, list);
  }

  #failOrCut(line: Line, container: Outcome): Outcome {
    const content = this.#text.slice(line.from, line.to);
    const isCutShort = this.#isCutHere() && /^(?:-|[\w.@-]+)$/.test(content);
    return isCutShort ? this.#cutOff(container) : FAIL;
  }

  /** Whether this line may be the end of a text that was cut off. */
  #isCutHere(): boolean {
    return this.#at === this.#lines.length - 1 && this.#text.length >= CUT_LENGTH_MIN;
  }

  #cutOff(container: Outcome): Outcome {
    this.isCut = true;
    this.#at = this.#lines.length;
    return container;
  }

  #readMapping(indent: number, depth: number): Outcome {
    const object: Record<string, JsonValue> = {};
    for (;;) {
      this.#skipBlank();
      const line = this.#line();
      if (line === undefined || line.from - line.start < indent) return object;
      const key = line.from - line.start === indent && !this.#isDash(line) ? this.#findKey(line) : undefined;
      if (key === undefined) {
        return this.#isDocumentEnd(line, indent) ? object : this.#failOrCut(line, object);
      }
      if (!key.isQuoted && depth === this.#outerDepth) this.outerKeys.push(key.name);
      if (Object.hasOwn(object, key.name)) return FAIL;
      const value = this.#readMember(line, key, { indent, depth: depth + 1 });
      if (value === FAIL) return FAIL;
      if (value === CUT) return this.#cutOff(object);
      setOwn(object, key.name, value);
      if (this.isCut) return object;
    }
  }

  #isDocumentEnd(line: Line, indent: number): boolean {
    return indent === 0 && this.#content(line) === "...";
  }

  #readMember(line: Line, key: Key, place: { readonly indent: number; readonly depth: number }): Outcome {
    const { indent, depth } = place;
    const isEmpty = key.valueAt >= line.to || this.#text[key.valueAt] === "#";
    if (!isEmpty) return this.#readScalar(key.valueAt, indent, depth);
    this.#at += 1;
    this.#skipBlank();
    const next = this.#line();
    const isListHere = next !== undefined && next.from - next.start === indent && this.#isDash(next);
    return isListHere ? this.#readList(indent, depth) : this.#readNode(indent + 1, depth);
  }

  #findKey(line: Line): Key | undefined {
    const first = this.#text[line.from] ?? "";
    if (first === '"' || first === "'") return this.#findQuotedKey(line);
    if ("[]{}#&*!|>%@`,".includes(first) || (first === "?" && this.#text[line.from + 1] === " ")) return undefined;
    const limit = Math.min(line.to, line.from + JSON_TEXT_KEY_LENGTH_MAX + 1);
    for (let at = line.from; at < limit; at += 1) {
      if (this.#text[at] === "#" && this.#text[at - 1] === " ") return undefined;
      if (this.#text[at] === ":" && (at + 1 >= line.to || this.#text[at + 1] === " ")) {
        const name = this.#text.slice(line.from, at).trimEnd();
        return name === "" ? undefined : { name, isQuoted: false, valueAt: this.#skipSpaces(at + 1) };
      }
    }
    return undefined;
  }

  #findQuotedKey(line: Line): Key | undefined {
    const read = readYamlQuoted(this.#text.slice(0, line.to), line.from);
    if (typeof read === "string") return undefined;
    const colon = this.#skipSpaces(read.end);
    if (this.#text[colon] !== ":" || !(colon + 1 >= line.to || this.#text[colon + 1] === " ")) return undefined;
    return { name: read.value, isQuoted: true, valueAt: this.#skipSpaces(colon + 1) };
  }

  #skipSpaces(position: number): number {
    let at = position;
    while (this.#text[at] === " ") at += 1;
    return at;
  }

  /** A scalar or flow collection at `position` of the current line, inside a block indented by `indent`. */
  #readScalar(position: number, indent: number, depth: number): Outcome {
    const first = this.#text[position] ?? "";
    if (first === '"' || first === "'") return this.#readQuoted(position, indent);
    if (first === "|" || first === ">") return this.#readBlockScalar(position, indent);
    if (first === "[" || first === "{") return this.#readFlow(position, depth);
    if ("&*!%@`,]}".includes(first)) return FAIL;
    return this.#readPlain(position, indent);
  }

  #readFlow(position: number, depth: number): Outcome {
    const reader = new FlowReader(this.#text, { position, isYaml: true });
    const value = reader.read(depth);
    if (value === FAIL || value === CUT) return value;
    if (reader.isCut) return this.#cutOff(value);
    return this.#goOnAfter(reader.position) ? value : FAIL;
  }

  /** Moves to the line after the one that holds `position`; false when something stands between. */
  #goOnAfter(position: number): boolean {
    let line = this.#line();
    while (line !== undefined && line.end < position) {
      this.#at += 1;
      line = this.#line();
    }
    if (line === undefined) return false;
    const rest = this.#text.slice(position, line.to);
    this.#at += 1;
    return /^(?:\s+#|\s*$)/.test(rest);
  }

  #readPlain(position: number, indent: number): Outcome {
    const parts: string[] = [];
    let start = position;
    for (let line = this.#line(); line !== undefined; line = this.#line()) {
      const isBlank = line.from >= line.to;
      if (parts.length > 0 && !isBlank && line.from - line.start <= indent) break;
      if (parts.length > 0) start = line.from;
      const content = this.#text.slice(start, line.to);
      if (parts.length > 0 && content.startsWith("#")) return FAIL;
      if (/:(?: |\t|$)/.test(content)) return content.endsWith(":") && this.#isCutHere() ? CUT : FAIL;
      this.#at += 1;
      const comment = content.search(/\s#/);
      parts.push(comment < 0 ? content : content.slice(0, comment).trimEnd());
      if (comment >= 0) break;
    }
    while (parts.at(-1) === "") parts.pop();
    return parts.length <= 1 ? plainScalar(parts[0] ?? "") : foldLines(parts);
  }

  #readQuoted(position: number, indent: number): Outcome {
    const read = readYamlQuoted(this.#text, position);
    if (read === "bad") return FAIL;
    const end = read === "open" ? this.#text.length : read.end;
    for (let index = this.#at + 1; index < this.#lines.length; index += 1) {
      const line = this.#lines[index];
      if (line === undefined || line.start >= end) break;
      if (line.from < line.to && line.from - line.start <= indent) return FAIL;
    }
    if (read === "open") return CUT;
    return this.#goOnAfter(read.end) ? read.value : FAIL;
  }

  #readBlockScalar(position: number, indent: number): Outcome {
    const header = this.#line();
    const style = header === undefined ? "" : this.#text.slice(position, header.to).replace(/\s+#.*$/, "");
    const match = /^([|>])(?:([1-9])([-+])?|([-+])([1-9])?)?$/.exec(style);
    if (match === null) return FAIL;
    const given = match[2] ?? match[5];
    const chomp = match[3] ?? match[4] ?? "";
    this.#at += 1;
    let width = given === undefined ? undefined : Math.max(0, indent) + Number(given);
    const lines: string[] = [];
    for (let line = this.#line(); line !== undefined; line = this.#line()) {
      const isBlank = line.from >= line.to;
      const own = line.from - line.start;
      if (!isBlank && width === undefined && own > indent) width = own;
      if (!isBlank && (width === undefined || own < width)) break;
      lines.push(this.#text.slice(Math.min(line.end, line.start + (width ?? line.end)), line.end));
      this.#at += 1;
    }
    return blockText(lines, match[1] === ">", chomp);
  }
}

function isEmptyObject(value: JsonValue): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
