import { LIMITS } from "./limits.ts";
import { type MapEntry, numberProblem, type SourceDocument, type SourceNode, type SyntaxIssue } from "./source-node.ts";

/** Reads JSON (RFC 8259), keeping places. Refused beside what JSON forbids: names that occur twice, numbers that would lose digits. */
export function readJson(text: string): SourceDocument {
  const reader = new JsonReader(text);
  try {
    const root = reader.readDocument();
    return reader.issues.length > 0 ? { issues: reader.issues } : { root, issues: [] };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return { issues: [...reader.issues, error.issue] };
  }
}

/** Leaves the reader at the first thing that is not JSON; never leaves this file. */
class JsonFault extends Error {
  readonly issue: SyntaxIssue;

  constructor(issue: SyntaxIssue) {
    super(issue.message);
    this.issue = issue;
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const WORDS: ReadonlyMap<string, null | boolean> = new Map<string, null | boolean>([
  ["null", null],
  ["true", true],
  ["false", false],
]);

class JsonReader {
  readonly issues: SyntaxIssue[] = [];
  readonly #text: string;
  #at = 0;
  #nodeCount = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.startsWith("\ufeff")) this.#at = 1;
  }

  readDocument(): SourceNode | undefined {
    this.#take(SPACE);
    if (this.#at === this.#text.length) return undefined;
    const root = this.#readValue(1);
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#fail("there is more text after the end of the JSON value", "remove it");
    return root;
  }

  #readValue(depth: number): SourceNode {
    if (depth > LIMITS.depthMax) this.#overflow(`nested deeper than ${LIMITS.depthMax} levels`);
    if (++this.#nodeCount > LIMITS.nodeCountMax) this.#overflow(`more than ${LIMITS.nodeCountMax} values`);
    const offset = this.#at;
    const next = this.#text[offset];
    if (next === "{") return this.#readMap(depth);
    if (next === "[") return this.#readList(depth);
    if (next === '"') return { kind: "scalar", value: this.#readString(), offset, size: 1 };
    const number = this.#take(NUMBER);
    if (number !== undefined) return this.#number(number, offset);
    return this.#readWord(offset);
  }

  #readWord(offset: number): SourceNode {
    const word = this.#take(WORD);
    const value = word === undefined ? undefined : WORDS.get(word);
    if (value !== undefined) return { kind: "scalar", value, offset, size: 1 };
    this.#at = offset;
    if (word !== undefined) this.#fail(`\`${word.slice(0, 40)}\` is not a JSON value`, "put text in double quotes");
    return this.#unexpected("a value");
  }

  #number(source: string, offset: number): SourceNode {
    const value = Number(source);
    const problem = Number.isFinite(value) ? numberProblem(source, value) : `\`${source.slice(0, 40)}\` is too large`;
    if (problem !== undefined) this.#add(offset, problem, "put it in quotes, or write a smaller number");
    return { kind: "scalar", value: value === 0 ? 0 : value, offset, size: 1 };
  }

  #readString(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) return this.#fail("this text has no closing quote", undefined);
    this.#at = end + 1;
    try {
      return String(JSON.parse(this.#text.slice(start, end + 1)));
    } catch {
      this.#at = start;
      return this.#fail(
        "this text holds a line break, a tab or an escape that JSON does not have",
        "write `\\n`, `\\t`, `\\\\`",
      );
    }
  }

  /** An odd number of backslashes stands before it. */
  #isEscaped(at: number): boolean {
    let count = 0;
    while (this.#text[at - 1 - count] === "\\") count++;
    return count % 2 === 1;
  }

  #readList(depth: number): SourceNode {
    const offset = this.#at++;
    const items: SourceNode[] = [];
    let size = 1;
    this.#take(SPACE);
    if (this.#skip("]")) return { kind: "list", offset, size, items };
    for (;;) {
      const item = this.#readValue(depth + 1);
      items.push(item);
      size += item.size;
      if (!this.#another("]")) return { kind: "list", offset, size, items };
    }
  }

  #readMap(depth: number): SourceNode {
    const offset = this.#at++;
    const entries = new Map<string, MapEntry>();
    let size = 1;
    this.#take(SPACE);
    if (this.#skip("}")) return { kind: "map", offset, size, entries };
    for (;;) {
      const keyOffset = this.#at;
      if (this.#text[keyOffset] !== '"') this.#unexpected("a field name in double quotes");
      const name = this.#readString();
      this.#take(SPACE);
      if (!this.#skip(":")) this.#unexpected("`:`");
      this.#take(SPACE);
      const node = this.#readValue(depth + 1);
      size += node.size;
      if (entries.has(name)) this.#add(keyOffset, `field \`${name}\` occurs twice`, "remove one of them");
      else if (name === "__proto__") this.#add(keyOffset, "a field cannot be named `__proto__`", "rename or remove it");
      else entries.set(name, { keyOffset, node });
      if (!this.#another("}")) return { kind: "map", offset, size, entries };
    }
  }

  /** After an element: true past a comma, false past the closing bracket. */
  #another(close: "]" | "}"): boolean {
    this.#take(SPACE);
    if (this.#skip(close)) return false;
    if (!this.#skip(",")) this.#unexpected(`\`,\` or \`${close}\``);
    this.#take(SPACE);
    if (this.#text[this.#at] === close) this.#fail("there is a comma after the last element", "remove it");
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    return found;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #unexpected(wanted: string): never {
    const found = this.#text[this.#at];
    if (found === "/" || found === "#") this.#fail("JSON has no comments", "remove it, or write the file in YAML");
    return this.#fail(
      `expected ${wanted}, and found ${found === undefined ? "the end of the text" : `\`${found}\``}`,
      undefined,
    );
  }

  #add(offset: number, message: string, fix: string | undefined): void {
    if (this.issues.length < LIMITS.issueCountMax) this.issues.push({ offset, code: "HB_POLICY_SYNTAX", message, fix });
  }

  #fail(message: string, fix: string | undefined): never {
    throw new JsonFault({ offset: this.#at, code: "HB_POLICY_SYNTAX", message, fix });
  }

  #overflow(message: string): never {
    throw new JsonFault({ offset: this.#at, code: "HB_POLICY_LIMIT", message, fix: "split or simplify it" });
  }
}
