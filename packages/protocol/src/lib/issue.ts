import type * as z from "zod";
import { allowedFields, describeIssue, type Finding, type RawIssue, unionBranch } from "./issue-message.ts";

/** One thing wrong with a value: where, what, and what to do. */
export interface Issue {
  /** Dot path from the value's root, such as `rules[0].effect.type`; empty for the value itself. */
  readonly path: string;
  readonly keys: readonly PropertyKey[];
  /** What is wrong and, after `; `, what to do; lower case, no final period. */
  readonly message: string;
  /** What to do, alone, where there is one thing to do, such as "did you mean `gt`?". */
  readonly fix?: string | undefined;
  /** The field at `path` does not exist. */
  readonly unknownField?: boolean | undefined;
}

/** A value that has its schema's form, or all that is wrong with it. */
export type ParsedValue<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Checks `value`; unlike `toIssues(schema.safeParse(value).error)`, its issues also name the field that was meant. */
export function parseValue<S extends z.ZodType>(schema: S, value: unknown): ParsedValue<z.output<S>> {
  const result = schema.safeParse(value, {
    reportInput: true,
    error: (issue) => (issue.code === "unrecognized_keys" ? allowedFields(issue.inst) : undefined),
  });
  return result.success ? { ok: true, value: result.data } : { ok: false, issues: toIssues(result.error) };
}

/** Zod's issues in Handlebar's form: one line each, naming the field and what is allowed there. */
export function toIssues(error: z.ZodError): readonly Issue[] {
  return expandIssues(error.issues, []);
}

/** `["rules", 0, "effect"]` as `rules[0].effect`. */
export function formatPath(keys: readonly PropertyKey[]): string {
  let text = "";
  for (const key of keys) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(String(key))) text += text === "" ? String(key) : `.${String(key)}`;
    else text += `[${JSON.stringify(String(key))}]`;
  }
  return text;
}

function expandIssues(issues: readonly RawIssue[], prefix: readonly PropertyKey[]): readonly Issue[] {
  return issues.filter((issue) => !saysNothingNew(issue, issues)).flatMap((issue) => expandIssue(issue, prefix));
}

/** Of a value that is too short it goes without saying that it also lacks a form. */
function saysNothingNew(issue: RawIssue, all: readonly RawIssue[]): boolean {
  if (issue.code !== "invalid_format") return false;
  return all.some((other) => other.code === "too_small" && formatPath(other.path) === formatPath(issue.path));
}

function expandIssue(issue: RawIssue, prefix: readonly PropertyKey[]): readonly Issue[] {
  const keys = [...prefix, ...issue.path];
  if (issue.code === "invalid_union") {
    const branch = unionBranch(issue);
    if (branch !== undefined) return expandIssues(branch, keys);
  }
  return describeIssue(issue).map((finding) => toIssue(keys, finding));
}

function toIssue(keys: readonly PropertyKey[], finding: Finding): Issue {
  const full = finding.field === undefined ? keys : [...keys, finding.field];
  return {
    path: formatPath(full),
    keys: full,
    message: finding.fix === undefined ? finding.what : `${finding.what}; ${finding.fix}`,
    ...(finding.fix === undefined ? {} : { fix: finding.fix }),
    ...(finding.field === undefined ? {} : { unknownField: true }),
  };
}
