import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { LIMITS } from "./limits.ts";
import { type MapEntry, numberProblem, type SourceDocument, type SourceNode, type SyntaxIssue } from "./source-node.ts";

/**
 * Reads YAML 1.2 (core schema). Refused: unknown tags, names that occur twice, names that are not text, aliases that
 * refer to themselves or expand past a bound, whole numbers that would lose digits.
 */
export function readYaml(text: string): readonly SourceDocument[] {
  const parsed = parseAllDocuments(text, {
    version: "1.2",
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: false,
    stringKeys: true,
    strict: true,
    prettyErrors: false,
    logLevel: "silent",
  });
  if (!Array.isArray(parsed)) return [];
  const documents = parsed.slice(0, LIMITS.documentCountMax).map(readDocument);
  if (parsed.length <= LIMITS.documentCountMax) return documents;
  const offset = parsed[LIMITS.documentCountMax]?.range[0] ?? 0;
  return [...documents, { issues: [limit(offset, `more than ${LIMITS.documentCountMax} documents in one file`)] }];
}

function readDocument(document: Document.Parsed): SourceDocument {
  const issues = oneEachLine([...document.errors, ...document.warnings].map(syntaxIssue));
  const { explicit, version } = document.directives.yaml;
  if (explicit === true && version !== "1.2") {
    issues.push({
      offset: Math.max(0, document.range[0] - 1),
      code: "HB_POLICY_SYNTAX",
      message: `only YAML 1.2 is read, and this document says \`%YAML ${version}\``,
      fix: "remove that line",
    });
  }
  if (issues.length > 0 || document.contents === null) return { issues };
  const reader = new NodeReader();
  const root = reader.read(document.contents, 1);
  return reader.issues.length > 0 ? { issues: reader.issues } : { root, issues: [] };
}

class NodeReader {
  readonly issues: SyntaxIssue[] = [];
  readonly #anchors = new Map<string, SourceNode | "open">();
  #aliasCount = 0;
  #isFull = false;

  read(node: ParsedNode, depth: number): SourceNode {
    const offset = node.range[0];
    const empty: SourceNode = { kind: "scalar", value: null, offset, size: 1 };
    if (this.#isFull) return empty;
    if (depth > LIMITS.depthMax)
      return this.#stop(limit(offset, `nested deeper than ${LIMITS.depthMax} levels`), empty);
    if (isAlias(node)) return this.#readAlias(node.source, offset) ?? empty;
    const anchor = node.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const read = this.#readPlain(node, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, read);
    if (read.size <= LIMITS.nodeCountMax) return read;
    return this.#stop(limit(offset, `more than ${LIMITS.nodeCountMax} values, aliases written out`), empty);
  }

  #readPlain(node: Exclude<ParsedNode, Alias>, depth: number): SourceNode {
    if (isMap(node)) return this.#readMap(node, depth);
    if (isSeq(node)) return this.#readList(node, depth);
    return this.#readScalar(node as Scalar.Parsed);
  }

  #readAlias(name: string, offset: number): SourceNode | undefined {
    this.#aliasCount++;
    if (this.#aliasCount > LIMITS.aliasCountMax) {
      this.#stop(limit(offset, `more than ${LIMITS.aliasCountMax} aliases in one document`), undefined);
      return undefined;
    }
    const target = this.#anchors.get(name);
    if (target !== undefined && target !== "open") return target;
    const what =
      target === "open" ? "stands inside what it refers to" : "refers to an anchor that does not come before it";
    this.#add(offset, `alias \`*${name}\` ${what}`, "write the value out");
    return undefined;
  }

  #readMap(map: YAMLMap.Parsed, depth: number): SourceNode {
    const entries = new Map<string, MapEntry>();
    let size = 1;
    for (const pair of map.items) {
      const keyOffset = pair.key.range[0];
      const name = isScalar(pair.key) ? String(pair.key.value ?? "") : undefined;
      if (name === undefined) this.#add(keyOffset, "the name of a field must be text", undefined);
      else if (entries.has(name)) this.#add(keyOffset, `field \`${name}\` occurs twice`, "remove one of them");
      else if (name === "__proto__") this.#add(keyOffset, "a field cannot be named `__proto__`", "rename or remove it");
      else {
        const node: SourceNode =
          pair.value === null
            ? { kind: "scalar", value: null, offset: keyOffset, size: 1 }
            : this.read(pair.value, depth + 1);
        entries.set(name, { keyOffset, node });
        size += node.size;
      }
    }
    return { kind: "map", offset: map.range[0], size, entries };
  }

  #readList(list: YAMLSeq.Parsed, depth: number): SourceNode {
    const items: SourceNode[] = [];
    let size = 1;
    for (const item of list.items) {
      const node = this.read(item as ParsedNode, depth + 1);
      items.push(node);
      size += node.size;
    }
    return { kind: "list", offset: list.range[0], size, items };
  }

  #readScalar(scalar: Scalar.Parsed): SourceNode {
    const { value, range, source } = scalar;
    const offset = range[0];
    if (value === null || typeof value === "boolean" || typeof value === "string") {
      return { kind: "scalar", value, offset, size: 1 };
    }
    if (typeof value === "number") {
      const problem = numberProblem(source, value);
      if (problem !== undefined) this.#add(offset, problem, "put it in quotes, or write a smaller number");
      return { kind: "scalar", value: value === 0 ? 0 : value, offset, size: 1 };
    }
    this.#add(
      offset,
      "this value is none that JSON has",
      "write text, a number, true, false, null, a list or an object",
    );
    return { kind: "scalar", value: null, offset, size: 1 };
  }

  #add(offset: number, message: string, fix: string | undefined): void {
    if (this.issues.length < LIMITS.issueCountMax) this.issues.push({ offset, code: "HB_POLICY_SYNTAX", message, fix });
  }

  #stop<T>(issue: SyntaxIssue, value: T): T {
    if (!this.#isFull) this.issues.push(issue);
    this.#isFull = true;
    return value;
  }
}

function limit(offset: number, what: string): SyntaxIssue {
  return { offset, code: "HB_POLICY_LIMIT", message: what, fix: "split or simplify it" };
}

/** A mistake makes the parser stumble several times; what comes first on its line says it best. */
function oneEachLine(issues: readonly SyntaxIssue[]): SyntaxIssue[] {
  const sorted = [...issues].sort((a, b) => a.offset - b.offset).slice(0, LIMITS.issueCountMax);
  return sorted.filter((issue, index) => issue.offset !== sorted[index - 1]?.offset);
}

function syntaxIssue(error: YAMLError): SyntaxIssue {
  const offset = error.pos[0];
  if (error.code === "RESOURCE_EXHAUSTION") return limit(offset, `nested deeper than ${LIMITS.depthMax} levels`);
  const known = MISTAKES.get(error.code);
  const message = known?.what ?? error.message.charAt(0).toLowerCase() + error.message.slice(1);
  return { offset, code: "HB_POLICY_SYNTAX", message, fix: known?.fix };
}

/** What the parser's commonest complaints mean to an author. */
const MISTAKES: ReadonlyMap<string, { readonly what?: string; readonly fix: string }> = new Map([
  ["BAD_SCALAR_START", { what: "text cannot start with this character", fix: "put the value in quotes" }],
  [
    "BLOCK_AS_IMPLICIT_KEY",
    {
      what: "a second `name: value` stands on one line",
      fix: "put text that contains `: ` in quotes, or check the indentation",
    },
  ],
  ["BAD_INDENT", { fix: "check the indentation and the closing bracket" }],
  ["BAD_DQ_ESCAPE", { fix: "write `\\\\` for a backslash, or use single quotes" }],
  [
    "MULTILINE_IMPLICIT_KEY",
    { what: "a field's name goes over several lines", fix: "check the indentation and the `:`" },
  ],
  ["TAB_AS_INDENT", { what: "a tab is used as indentation", fix: "indent with spaces" }],
  ["TAG_RESOLVE_FAILED", { what: "tags such as `!name` are not read here", fix: "remove the tag" }],
  ["NON_STRING_KEY", { what: "the name of a field must be text", fix: "write it out" }],
]);
