import {
  type CaseSettings,
  type CaseStep,
  caseStepSchemas,
  closestName,
  formatPath,
  type Issue,
  parseValue,
  policyCaseFileSchema,
  policyCaseSchema,
} from "@handlebar/protocol";
import { type FileIssue, issuesError, reportIssues } from "./file-issue.ts";
import type { FilePlace } from "./read-policies.ts";
import { nodeAt, offsetAt, type SourceNode, toValue, withoutSchemaField } from "./source-node.ts";
import { type IssueCodes, type ReadOptions, SourceText } from "./source-text.ts";

/** A scripted agent run, or several, and what policies must make of it. */
export interface PolicyCase {
  readonly name: string;
  readonly description?: string | undefined;
  /** The file's settings, overridden by the case's own; tools of both together. */
  readonly settings: CaseSettings;
  readonly steps: readonly CaseStep[];
  /** Where the case and its steps stand. */
  readonly place: FilePlace;
  readonly stepPlaces: readonly FilePlace[];
}

/** What a case file held: the cases that are right, and everything that is wrong with the others. */
export interface CasesReading {
  readonly cases: readonly PolicyCase[];
  /** The policy files that the file names, as written there. */
  readonly policyFiles: readonly string[] | undefined;
  /** By line; empty when the whole text is right. */
  readonly issues: readonly FileIssue[];
}

const CODES: IssueCodes = { invalid: "HB_CASE_INVALID", unknownField: "HB_CASE_UNKNOWN_FIELD" };

/**
 * Reads policy cases in YAML or JSON.
 *
 * @throws HandlebarError listing every problem as `parsePolicies` does: `HB_POLICY_SYNTAX`, `HB_CASE_INVALID`,
 * `HB_CASE_UNKNOWN_FIELD`, `HB_POLICY_LIMIT`.
 */
export function parseCases(text: string, options: ReadOptions = {}): readonly PolicyCase[] {
  const { cases, issues } = readCases(text, options);
  if (issues.length > 0) throw issuesError(issues, "HB_CASE_INVALID");
  return cases;
}

/** Reads as `parseCases` does, and returns what is wrong instead of throwing it. */
export function readCases(text: string, options: ReadOptions = {}): CasesReading {
  const source = new SourceText(text, options, CODES);
  const issues = source.documents.flatMap((document) => source.syntaxIssues(document));
  const [first, second] = source.documents;
  if (second !== undefined) issues.push(wholeFile(source, "holds several documents", "write one list of `cases`"));
  const root = first?.root === undefined ? undefined : withoutSchemaField(first.root);
  if (root === undefined || issues.length > 0) {
    if (issues.length === 0) issues.push(wholeFile(source, "holds no cases", "write `cases` with `name` and `steps`"));
    return { cases: [], policyFiles: undefined, issues: reportIssues(issues) };
  }
  const reader = new CaseReader(source, root);
  return { ...reader.read(), issues: reportIssues(reader.issues) };
}

class CaseReader {
  readonly issues: FileIssue[] = [];
  readonly #source: SourceText;
  readonly #root: SourceNode;

  constructor(source: SourceText, root: SourceNode) {
    this.#source = source;
    this.#root = root;
  }

  read(): { cases: readonly PolicyCase[]; policyFiles: readonly string[] | undefined } {
    const file = parseValue(policyCaseFileSchema, toValue(this.#root));
    if (!file.ok) this.#report([], file.issues);
    const items = nodeAt(this.#root, ["cases"]);
    if (items?.kind !== "list") return { cases: [], policyFiles: undefined };
    const { policies, cases: _items, ...settings } = file.ok ? file.value : { policies: undefined, cases: [] };
    const cases = items.items.flatMap((item, index) => this.#readCase(item, ["cases", index], settings) ?? []);
    this.#reportRepeatedNames(cases);
    return { cases, policyFiles: policies };
  }

  #readCase(item: SourceNode, keys: readonly PropertyKey[], shared: CaseSettings): PolicyCase | undefined {
    const parsed = parseValue(policyCaseSchema, toValue(item));
    if (!parsed.ok) this.#report(keys, parsed.issues);
    const list = nodeAt(item, ["steps"]);
    const stepNodes = list?.kind === "list" ? list.items : [];
    const stepKeys = stepNodes.map((_, index) => [...keys, "steps", index]);
    const steps = stepNodes.flatMap((step, index) => this.#readStep(toValue(step), stepKeys[index] ?? []) ?? []);
    if (!parsed.ok || steps.length < stepNodes.length) return undefined;
    const { name, description, steps: _steps, ...own } = parsed.value;
    const tools =
      shared.tools === undefined && own.tools === undefined ? {} : { tools: { ...shared.tools, ...own.tools } };
    const settings: CaseSettings = { ...shared, ...own, ...tools };
    this.#reportUnknownTools(settings, steps, stepKeys);
    return {
      name,
      ...(description === undefined ? {} : { description }),
      settings,
      steps,
      place: this.#place(keys),
      stepPlaces: stepKeys.map((step) => this.#place(step)),
    };
  }

  #readStep(value: unknown, keys: readonly PropertyKey[]): CaseStep | undefined {
    const kinds = Object.keys(caseStepSchemas).filter(
      (kind) => typeof value === "object" && value !== null && kind in value,
    );
    const [kind] = kinds;
    const schema = kind === undefined ? undefined : caseStepSchemas[kind];
    if (schema === undefined || kinds.length > 1) {
      const names = Object.keys(caseStepSchemas).map((name) => `\`${name}\``);
      this.#report(keys, [{ path: "", keys: [], message: `a step has exactly one of ${names.join(", ")}` }]);
      return undefined;
    }
    const parsed = parseValue(schema, value);
    if (parsed.ok) return parsed.value;
    this.#report(keys, parsed.issues);
    return undefined;
  }

  /** A misspelt tool would be an untagged one that no rule knows. */
  #reportUnknownTools(
    settings: CaseSettings,
    steps: readonly CaseStep[],
    stepKeys: readonly (readonly PropertyKey[])[],
  ): void {
    if (settings.tools === undefined) return;
    for (const [index, step] of steps.entries()) {
      if (!("call" in step) || Object.hasOwn(settings.tools, step.call)) continue;
      const meant = closestName(step.call, Object.keys(settings.tools));
      const fix = meant === undefined ? "add it there with its tags" : `did you mean \`${meant}\`?`;
      const message = `\`${step.call}\` is not among \`tools\`; ${fix}`;
      this.#report(stepKeys[index] ?? [], [{ path: "call", keys: ["call"], message, fix }]);
    }
  }

  #reportRepeatedNames(cases: readonly PolicyCase[]): void {
    const seen = new Set<string>();
    for (const { name, place } of cases) {
      if (seen.has(name)) {
        const message = `another case has the name \`${name}\``;
        this.issues.push({ ...place, path: `${place.path}.name`, code: "HB_CASE_INVALID", message });
      }
      seen.add(name);
    }
  }

  #report(prefix: readonly PropertyKey[], issues: readonly Issue[]): void {
    this.issues.push(...this.#source.fileIssues(this.#root, prefix, issues));
  }

  #place(keys: readonly PropertyKey[]): FilePlace {
    return { file: this.#source.file, ...this.#source.place(offsetAt(this.#root, keys)), path: formatPath(keys) };
  }
}

function wholeFile(source: SourceText, what: string, fix: string): FileIssue {
  return { file: source.file, line: 1, column: 1, path: "", code: "HB_CASE_INVALID", message: `${what}; ${fix}`, fix };
}
