import type { JsonValue } from "@handlebar/protocol";
import { plainScalar, readEscape, readYamlQuoted } from "./json-text-scalar.ts";
import { VALUE_DEPTH_MAX, VALUE_NODE_COUNT_MAX } from "./limits.ts";
import { setOwn } from "./own-property.ts";

/** The text is not of this form, or a bound was exceeded. */
export const FAIL: unique symbol = Symbol("fail");
/** The text ended inside the value. */
export const CUT: unique symbol = Symbol("cut");

export type Outcome = JsonValue | typeof FAIL | typeof CUT;

const NUMBER = /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*/uy;
const CALL_LENGTH_MAX = 1_024;
const CLOSERS: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };
const WORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["null", null],
  ["None", null],
  ["undefined", null],
  ["NaN", "NaN"],
  ["nan", "nan"],
  ["Infinity", "Infinity"],
  ["inf", "inf"],
]);

/**
 * Reads bracketed text: JSON (also cut off), what Python's `repr` and `print` show of dictionaries, lists, tuples, sets
 * and calls such as `Decimal('1.5')`, object literals with bare keys, and, as `yaml`, YAML's flow style.
 */
export class FlowReader {
  readonly text: string;
  readonly #isYaml: boolean;
  position: number;
  /** The text ended inside a container: what was read before the end is kept. */
  isCut = false;
  #nodeCount = 0;

  constructor(text: string, options: { readonly position: number; readonly isYaml: boolean }) {
    this.text = text;
    this.position = options.position;
    this.#isYaml = options.isYaml;
  }

  read(depth: number): Outcome {
    this.#nodeCount += 1;
    if (depth > VALUE_DEPTH_MAX || this.#nodeCount > VALUE_NODE_COUNT_MAX) return FAIL;
    this.#skipSpace();
    const character = this.text[this.position];
    if (character === undefined) return CUT;
    if (character === "[" || (character === "(" && !this.#isYaml)) return this.#readList(depth);
    if (character === "{") return this.#readBraces(depth);
    if (this.#isYaml) return character === '"' || character === "'" ? this.#readYamlQuoted() : this.#readPlain();
    return "\"'`".includes(character) ? this.#readJoined() : this.#readBare();
  }

  #readList(depth: number): Outcome {
    const closer = CLOSERS[this.text[this.position] ?? ""] ?? "";
    const list: JsonValue[] = [];
    this.position += 1;
    for (;;) {
      const next = this.#nextItem(closer);
      if (next !== "item") return list;
      const item = this.read(depth + 1);
      if (item === FAIL) return FAIL;
      if (item === CUT) return this.#cutOff(list);
      list.push(item);
      if (this.isCut) return list;
      if (!this.#atSeparator(closer)) return this.#failOrCut(list);
    }
  }

  #readBraces(depth: number): Outcome {
    const object: Record<string, JsonValue> = {};
    const members: JsonValue[] = [];
    this.position += 1;
    for (;;) {
      const next = this.#nextItem("}");
      if (next !== "item") return members.length > 0 ? members : object;
      const key = this.read(depth + 1);
      if (key === FAIL) return FAIL;
      if (key === CUT || this.isCut) return this.#cutOff(members.length > 0 ? members : object);
      this.#skipSpace();
      if (this.position >= this.text.length) return this.#cutOff(members.length > 0 ? members : object);
      const isKey = this.text[this.position] === ":";
      if (!isKey && Object.keys(object).length === 0 && !this.#isYaml) {
        members.push(key);
        if (!this.#atSeparator("}")) return this.#failOrCut(members);
        continue;
      }
      const isNamed = isKey && members.length === 0 && (typeof key !== "object" || key === null);
      if (!isNamed) return FAIL;
      this.position += 1;
      const value = this.read(depth + 1);
      if (value === FAIL) return FAIL;
      if (value === CUT) return this.#cutOff(object);
      setOwn(object, String(key), value);
      if (this.isCut) return object;
      if (!this.#atSeparator("}")) return this.#failOrCut(object);
    }
  }

  /** After white space: one more item, or the end of the container (passed over) or of the text. */
  #nextItem(closer: string): "end" | "item" {
    this.#skipSpace();
    if (this.position >= this.text.length) {
      this.isCut = true;
      return "end";
    }
    if (this.text[this.position] !== closer) return "item";
    this.position += 1;
    return "end";
  }

  /** Passes over a comma; stays before the closer. */
  #atSeparator(closer: string): boolean {
    this.#skipSpace();
    if (this.text[this.position] === closer) return true;
    if (this.text[this.position] !== ",") return false;
    this.position += 1;
    return true;
  }

  #cutOff(container: Outcome): Outcome {
    this.isCut = true;
    return container;
  }

  /** The last item ended where the text does. A number or word may then be cut itself, which `read` has seen to. */
  #failOrCut(container: Outcome): Outcome {
    return this.position >= this.text.length ? this.#cutOff(container) : FAIL;
  }

  #skipSpace(): void {
    while (this.position < this.text.length && " \n\r\t".includes(this.text[this.position] ?? "")) this.position += 1;
  }

  #readQuoted(): string | typeof FAIL | typeof CUT {
    const quote = this.text[this.position] ?? "";
    const pieces: string[] = [];
    let start = this.position + 1;
    for (let at = start; at < this.text.length; at += 1) {
      const character = this.text[at];
      if (character === "\n") return FAIL;
      if (character === quote) {
        this.position = at + 1;
        pieces.push(this.text.slice(start, at));
        return pieces.join("");
      }
      if (character !== "\\") continue;
      const escaped = readEscape(this.text, at);
      if (escaped === undefined) return at + 10 >= this.text.length ? CUT : FAIL;
      pieces.push(this.text.slice(start, at), escaped.value);
      at = escaped.end - 1;
      start = escaped.end;
    }
    return CUT;
  }

  #readYamlQuoted(): string | typeof FAIL | typeof CUT {
    const read = readYamlQuoted(this.text, this.position);
    if (typeof read === "string") return read === "open" ? CUT : FAIL;
    this.position = read.end;
    return read.value;
  }

  /** JavaScript prints a text of several lines as quoted lines joined by `+`. */
  #readJoined(): string | typeof FAIL | typeof CUT {
    const pieces: string[] = [];
    for (;;) {
      const piece = this.#readQuoted();
      if (typeof piece !== "string") return piece;
      pieces.push(piece);
      this.#skipSpace();
      if (this.text[this.position] !== "+") return pieces.join("");
      this.position += 1;
      this.#skipSpace();
      if (this.position >= this.text.length) return CUT;
      if (!"\"'`".includes(this.text[this.position] ?? " ")) return FAIL;
    }
  }

  #readPlain(): Outcome {
    const start = this.position;
    let at = start;
    while (at < this.text.length) {
      const character = this.text[at] ?? "";
      const isColon = character === ":" && /[\s,[\]{}]|^$/.test(this.text[at + 1] ?? "");
      if (isColon || ",[]{}\n\r".includes(character)) break;
      at += 1;
    }
    if (at >= this.text.length) return CUT;
    const plain = this.text.slice(start, at).trim();
    if (plain === "" || /^(?:[&*!|>%@`#]|[?-](?:\s|$))/.test(plain) || / #/.test(plain)) return FAIL;
    this.position = at;
    return plainScalar(plain);
  }

  #readBare(): Outcome {
    const number = matchAt(NUMBER, this.text, this.position);
    const token = number ?? matchAt(WORD, this.text, this.position);
    if (token === undefined) return this.position === this.text.length - 1 && this.text.endsWith("-") ? CUT : FAIL;
    const end = this.position + token.length;
    if (end >= this.text.length) return CUT;
    if (number !== undefined) {
      if (/[\p{L}\p{N}_.]/u.test(this.text[end] ?? "")) return FAIL;
      this.position = end;
      return plainScalar(number);
    }
    if (this.text[end] === "(") return this.#readCall(token);
    this.position = end;
    const word = WORDS.get(token);
    if (word !== undefined) return word;
    this.#skipSpace();
    return this.text[this.position] === ":" ? token : FAIL;
  }

  /** `Decimal('1.5')` says its text, `date(2024, 5, 1)` itself. */
  #readCall(name: string): Outcome {
    const start = this.position;
    const inside = start + name.length + 1;
    this.position = inside;
    if ("\"'".includes(this.text[inside] ?? " ")) {
      const quoted = this.#readQuoted();
      if (typeof quoted !== "string") return quoted;
      if (this.text[this.position] === ")") {
        this.position += 1;
        return quoted;
      }
    }
    for (let open = 1; open > 0; this.position += 1) {
      const character = this.text[this.position];
      if (character === undefined) return CUT;
      if (character === "\n" || this.position - start > CALL_LENGTH_MAX) return FAIL;
      if (character === "(") open += 1;
      if (character === ")") open -= 1;
    }
    return this.text.slice(start, this.position);
  }
}

function matchAt(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}
