import { formatPath, type Issue, type Policy, parseValue, policySchema } from "@handlebar/protocol";
import { preparePolicy, type SourcePlace } from "./expressions.ts";
import { type FileIssue, issuesError, reportIssues } from "./file-issue.ts";
import { nodeAt, offsetAt, type SourceNode, toValue, withoutSchemaField } from "./source-node.ts";
import { type IssueCodes, type ReadOptions, SourceText } from "./source-text.ts";

/** Where a field of a policy stands. */
export interface FilePlace {
  readonly file?: string | undefined;
  readonly line: number;
  readonly column: number;
  /** Dot path in the document. */
  readonly path: string;
}

/** Where a policy was read. */
export interface PolicyOrigin {
  readonly file?: string | undefined;
  /** The place of the field at `keys` of the policy, or of the nearest one around it that was written. */
  placeOf(keys: readonly PropertyKey[]): FilePlace;
}

/** What a text held: the policies that are right, and everything that is wrong with the others. */
export interface PolicyReading {
  readonly policies: readonly Policy[];
  /** Where each policy stands; same order as `policies`. */
  readonly origins: readonly PolicyOrigin[];
  /** By line; empty when the whole text is right. */
  readonly issues: readonly FileIssue[];
}

const CODES: IssueCodes = { invalid: "HB_POLICY_INVALID", unknownField: "HB_POLICY_UNKNOWN_FIELD" };

/**
 * Reads policies in YAML (one document or several) or JSON: each document holds one policy, or several below `policies`.
 * A field `$schema` at the top is for editors and is left out.
 *
 * @throws HandlebarError listing every problem with file, line, column, field and fix, one per line, and as
 * `details.issues` (`FileIssue[]`): `HB_POLICY_SYNTAX`, `HB_POLICY_INVALID`, `HB_POLICY_UNKNOWN_FIELD`, `HB_POLICY_LIMIT`,
 * `HB_POLICY_EXPR_INVALID`.
 */
export function parsePolicies(text: string, options: ReadOptions = {}): readonly Policy[] {
  const { policies, issues } = readPolicies(text, options);
  if (issues.length > 0) throw issuesError(issues, "HB_POLICY_INVALID");
  return policies;
}

/** Reads as `parsePolicies` does, and returns what is wrong instead of throwing it. */
export function readPolicies(text: string, options: ReadOptions = {}): PolicyReading {
  const source = new SourceText(text, options, CODES);
  const found: Found = { policies: [], origins: [], issues: [] };
  let count = 0;
  for (const document of source.documents) {
    found.issues.push(...source.syntaxIssues(document));
    const root = document.root === undefined ? undefined : withoutSchemaField(document.root);
    if (root === undefined || (root.kind === "scalar" && root.value === null)) continue;
    const places = policyPlaces(source, root, found.issues);
    for (const keys of places) readPolicy({ source, root, keys }, found);
    count += places.length;
  }
  if (count === 0 && found.issues.length === 0) found.issues.push(holdsNothing(source));
  return { ...found, issues: reportIssues(found.issues) };
}

interface Found {
  readonly policies: Policy[];
  readonly origins: PolicyOrigin[];
  readonly issues: FileIssue[];
}

function readPolicy(at: SourcePlace, found: Found): void {
  const { source, root, keys } = at;
  const parsed = parseValue(policySchema, toValue(nodeAt(root, keys) ?? root));
  if (!parsed.ok) {
    found.issues.push(...source.fileIssues(root, keys, parsed.issues));
    return;
  }
  const prepared = preparePolicy(parsed.value, at);
  found.issues.push(...prepared.issues);
  if (prepared.issues.length > 0) return;
  found.policies.push(prepared.policy);
  found.origins.push(originOf(source, root, keys));
}

/** The keys under which a document holds its policies. */
function policyPlaces(source: SourceText, root: SourceNode, issues: FileIssue[]): readonly (readonly PropertyKey[])[] {
  if (root.kind !== "map" || !root.entries.has("policies")) return [[]];
  const others = [...root.entries.keys()].filter((key) => key !== "policies");
  const wrong: Issue[] = others.map((key) => {
    const fix = "beside `policies` there is none; move it into a policy";
    return { path: formatPath([key]), keys: [key], message: `unknown field; ${fix}`, fix, unknownField: true };
  });
  const list = root.entries.get("policies")?.node;
  const isList = list?.kind === "list" && list.items.length > 0;
  if (!isList) wrong.push({ path: "policies", keys: ["policies"], message: "must be a list with at least one policy" });
  issues.push(...source.fileIssues(root, [], wrong));
  return isList ? list.items.map((_, index) => ["policies", index]) : [];
}

function originOf(source: SourceText, root: SourceNode, prefix: readonly PropertyKey[]): PolicyOrigin {
  return {
    file: source.file,
    placeOf: (keys) => {
      const full = [...prefix, ...keys];
      return { file: source.file, ...source.place(offsetAt(root, full)), path: formatPath(full) };
    },
  };
}

function holdsNothing(source: SourceText): FileIssue {
  const fix = "write a policy: `name` and `rules`";
  return {
    file: source.file,
    line: 1,
    column: 1,
    path: "",
    code: "HB_POLICY_INVALID",
    message: `holds no policy; ${fix}`,
    fix,
  };
}
