import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { DETECTORS } from "./catalogue.ts";
import { detect } from "./detect.ts";

type Node =
  | { readonly kind: "one"; readonly test: RegExp }
  | { readonly kind: "edge"; readonly sign: string }
  | { readonly kind: "back"; readonly group: number }
  | { readonly kind: "group"; readonly index: number; readonly body: Node }
  | { readonly kind: "look"; readonly isBehind: boolean; readonly isNot: boolean; readonly body: Node }
  | { readonly kind: "repeat"; readonly min: number; readonly max: number; readonly body: Node }
  | { readonly kind: "all" | "any"; readonly parts: readonly Node[] };

const GROUPS: readonly (readonly [open: string, isBehind: boolean, isNot: boolean])[] = [
  ["(?=", false, false],
  ["(?!", false, true],
  ["(?<=", true, false],
  ["(?<!", true, true],
];

/** Parses what our regular expressions use; throws at a quantifier without upper bound. */
class Parser {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;
  #groupCount = 0;

  constructor(regex: RegExp) {
    this.#source = regex.source;
    this.#flags = regex.ignoreCase ? "i" : "";
  }

  parse(): Node {
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    return { kind: "any", parts };
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source.charAt(this.#at))) {
      parts.push(this.#quantified(this.#atom()));
    }
    return { kind: "all", parts };
  }

  #quantified(body: Node): Node {
    const sign = this.#match(/[*+?]|\{\d+(?:,\d*)?\}/y);
    if (sign === "") return body;
    if (sign === "?") return { kind: "repeat", min: 0, max: 1, body };
    const [min = "", max = min] = sign.slice(1, -1).split(",");
    if (!/^\d+$/.test(max)) throw new Error(`unbounded ${sign} in ${this.#source}`);
    return { kind: "repeat", min: Number(min), max: Number(max), body };
  }

  #atom(): Node {
    for (const [open, isBehind, isNot] of GROUPS) {
      if (this.#take(open)) return { kind: "look", isBehind, isNot, body: this.#closed() };
    }
    if (this.#take("(?:")) return this.#closed();
    if (this.#take("(")) {
      this.#groupCount += 1;
      const index = this.#groupCount;
      return { kind: "group", index, body: this.#closed() };
    }
    const edge = this.#match(/[$^]|\\b/y);
    if (edge !== "") return { kind: "edge", sign: edge };
    const back = this.#match(/\\[1-9]/y);
    if (back !== "") return { kind: "back", group: Number(back.slice(1)) };
    const one = this.#match(/\[(?:\\.|[^\]\\])*\]|\\u[0-9a-f]{4}|\\.|[^()[\]{}|*+?]/y);
    if (one === "") throw new Error(`cannot parse ${this.#source} at ${this.#at}`);
    return { kind: "one", test: new RegExp(`^${one}$`, `s${this.#flags}`) };
  }

  #closed(): Node {
    const body = this.parse();
    if (!this.#take(")")) throw new Error(`group not closed in ${this.#source}`);
    return body;
  }
}

type Next = (at: number) => boolean;

/** Matches by backtracking, as V8 does, and counts every step. */
class Machine {
  steps = 0;
  readonly #root: Node;
  readonly #text: string;
  readonly #groups = new Map<number, string>();

  constructor(root: Node, text: string) {
    this.#root = root;
    this.#text = text;
  }

  /** All matches, as a global search gives them. */
  search(): readonly string[] {
    const found: string[] = [];
    for (let start = 0; start <= this.#text.length; ) {
      let end = -1;
      this.#run(this.#root, start, (at) => {
        end = at;
        return true;
      });
      if (end >= 0) found.push(this.#text.slice(start, end));
      start = Math.max(end, start + 1);
    }
    return found;
  }

  #run(node: Node, at: number, next: Next): boolean {
    this.steps += 1;
    switch (node.kind) {
      case "one":
        return at < this.#text.length && node.test.test(this.#text.charAt(at)) && next(at + 1);
      case "edge":
        return this.#isEdge(node.sign, at) && next(at);
      case "back": {
        const group = this.#groups.get(node.group) ?? "";
        return this.#text.startsWith(group, at) && next(at + group.length);
      }
      case "group":
        return this.#run(node.body, at, (end) => {
          this.#groups.set(node.index, this.#text.slice(at, end));
          return next(end);
        });
      case "look":
        return this.#looks(node, at) !== node.isNot && next(at);
      case "repeat":
        return this.#repeat(node, at, 0, next);
      case "all":
        return this.#all(node.parts, at, 0, next);
      case "any":
        return node.parts.some((part) => this.#run(part, at, next));
    }
  }

  #all(parts: readonly Node[], at: number, index: number, next: Next): boolean {
    const part = parts[index];
    return part === undefined ? next(at) : this.#run(part, at, (end) => this.#all(parts, end, index + 1, next));
  }

  #repeat(node: Node & { kind: "repeat" }, at: number, count: number, next: Next): boolean {
    const isMore =
      count < node.max && this.#run(node.body, at, (end) => end > at && this.#repeat(node, end, count + 1, next));
    return isMore || (count >= node.min && next(at));
  }

  /** Our look-behinds see two characters at most. */
  #looks(node: Node & { kind: "look" }, at: number): boolean {
    if (!node.isBehind) return this.#run(node.body, at, () => true);
    return [0, 1, 2].some((back) => back <= at && this.#run(node.body, at - back, (end) => end === at));
  }

  #isEdge(sign: string, at: number): boolean {
    if (sign === "^") return at === 0;
    if (sign === "$") return at === this.#text.length;
    const isWord = (offset: number): boolean => /\w/.test(this.#text.charAt(offset));
    return isWord(at - 1) !== isWord(at);
  }
}

const isSource = (name: string): boolean => name.endsWith(".ts") && !name.endsWith(".test.ts");
const SOURCES = readdirSync(import.meta.dirname)
  .filter(isSource)
  .map((name) => readFileSync(`${import.meta.dirname}/${name}`, "utf8"));

/** Regular expressions written as literals; comments hold none. */
const LITERALS = SOURCES.flatMap((source) => {
  const code = source.replaceAll(/\/\*.*?\*\/|\/\/ .*$/gms, "");
  const found = code.matchAll(
    /(?<=(?:[=(,[:!?]|=>|return)\s*)\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([a-z]*)/g,
  );
  return [...found].map(([, pattern = "", flags = ""]) => new RegExp(pattern, flags));
});
const OWN = DETECTORS.flatMap(({ patterns = [], searches = [] }) => [
  ...patterns.map(({ regex }) => regex),
  ...searches.flatMap(({ regexes }) => regexes),
]);
const REGEXES = [...new Map([...LITERALS, ...OWN].map((regex) => [String(regex), regex])).values()];

const PARSED = REGEXES.map((regex) => [regex, new Parser(regex).parse()] as const);

/** Repeated, these are the worst that a pattern, a search or a verification can meet. */
const SEEDS = (
  "a|@|a@|a.|a@a.|1|1 |12-|1.|+1|+49 |(|(089) |-|_|~|:|::|a:|1:|f::|://|a://|https://a.b/(|www.|www.a.|%40|a%40a.co |=|a=|" +
  'token=|password=|secret: |"apiKey": "a1B|password="a1|bearer |-----|-----BEGIN |-----BEGIN PRIVATE KEY-----|' +
  "-----BEGIN RSA |PuTTY-User-Key-File-|eyJ|eyJ.|eyJhbGciOiJIUzI1NiJ9.|DE89 |DE89|GB82WEST|A1|AB12 |AAAAA1111A |sk-|sk-a1|" +
  "ghp_|xoxb-1-|SG.a.|glpat-a.|sk-proj-|A1/|4111 1111 1111 1111 |4111111111111112 |1234567890 |phone 1234567 |ssn 123456789|" +
  "(555) |[redacted:|]|] 1|0171/|00 49 |10.0.0.|1.2.3.4.|hooks.slack.com/services/|T000000/B000000/|\ud800|\u00e9|1\u200b|\u00e9@|" +
  '{"a":|\\|\n|\t |\'|<|X-1-|RSSMRA85T10A562|131052-|811218+|bearer a1B2c3D4e5F6g7H8 |AKIA'
).split("|");

/** One that went back over all it had read would take half as many steps for each character as the text is long. */
const TEXT_LENGTH = 1_600;
const STEPS_PER_CHARACTER_MAX = 200;

const filled = (seed: string, length: number): string => seed.repeat(Math.ceil(length / seed.length)).slice(0, length);

describe("regular expressions", () => {
  it("are all known to this test", () => {
    expect([LITERALS.length, OWN.length].map((count) => count > 40)).toEqual([true, true]);
  });

  it("have no quantifier without upper bound", () => {
    expect(PARSED.length).toBe(REGEXES.length);
    for (const unbounded of [/a*/, /a+/, /a{2,}/, /[*]+?/, /(?:a|b)*c/]) {
      expect(() => new Parser(unbounded).parse()).toThrow("unbounded");
    }
  });

  it("are matched by the counting machine as by the real one", () => {
    const text =
      "bob@example.com +1 (415) 555-0132 4111 1111 1111 1111 DE89370400440532013000 123-45-6789 AB 12 34 56 C 12345678Z " +
      "10.0.0.1 01 23 45 67 89 -----BEGIN RSA PRIVATE KEY----- api_key=sk-a1B2c3D4e5F6g7H8i9J0k1 131052-308T 756.9217.0769.85";
    for (const [regex, root] of PARSED) {
      const expected = [...text.matchAll(new RegExp(regex.source, regex.ignoreCase ? "gi" : "g"))].map(
        ([match]) => match,
      );
      expect([regex, new Machine(root, text).search()]).toEqual([regex, expected]);
    }
  });

  it.each(SEEDS)("take a bounded number of steps for each character: %j", (seed) => {
    const text = filled(seed, TEXT_LENGTH);
    for (const [regex, root] of PARSED) {
      const machine = new Machine(root, text);
      machine.search();
      expect([regex, machine.steps / TEXT_LENGTH < STEPS_PER_CHARACTER_MAX]).toEqual([regex, true]);
    }
  });

  it("would be caught taking too many", () => {
    const machine = new Machine(new Parser(/[a-z]{1,2000}\d/).parse(), filled("a", TEXT_LENGTH));
    machine.search();
    expect(machine.steps / TEXT_LENGTH).toBeGreaterThan(STEPS_PER_CHARACTER_MAX);
  });
});

/** A sticky one looks at no more than its longest match. */
const STICKY_LENGTH_MAX = 512;

describe("detect", () => {
  /** How many characters regular expressions went over, each of them linear as proved above. */
  function charactersRead(text: string): number {
    let count = 0;
    const exec = RegExp.prototype.exec;
    const spy = vi.spyOn(RegExp.prototype, "exec").mockImplementation(function (this: RegExp, input: string) {
      const from = this.global || this.sticky ? this.lastIndex : 0;
      const match = exec.call(this, input);
      const end = match === null ? input.length : match.index + match[0].length;
      count += 1 + (this.sticky ? STICKY_LENGTH_MAX : end - from);
      return match;
    });
    detect(text);
    spy.mockRestore();
    return count;
  }

  it.each(SEEDS)("reads ten times as much in a text ten times as long: %j", (seed) => {
    const [once, tenfold] = [2_000, 20_000].map((length) => charactersRead(filled(seed, length)));
    expect(tenfold).toBeLessThanOrEqual(11 * (once ?? 0) + 4_000);
  });
});
