import { HandlebarError, type HandlebarErrorCode } from "@handlebar/protocol";
import { LIMITS } from "./limits.ts";

/** One thing wrong with a policy or case file: where, what, and what to do. */
export interface FileIssue {
  /** The file as its reader was told; absent for text without a name. */
  readonly file?: string | undefined;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** Dot path in the document, such as `rules[0].when.op`; empty for the whole. */
  readonly path: string;
  readonly code: HandlebarErrorCode;
  /** What is wrong and, after `; `, what to do. */
  readonly message: string;
  /** What to do, alone, where there is one thing to do. */
  readonly fix?: string | undefined;
}

/** An issue on one line: `policies/refunds.yaml:12:7 rules[0].when.op: must be one of ...; did you mean ...`. */
export function formatIssue(issue: FileIssue): string {
  const place = `${issue.file === undefined ? "" : `${issue.file}:`}${issue.line}:${issue.column}`;
  return issue.path === "" ? `${place} ${issue.message}` : `${place} ${issue.path}: ${issue.message}`;
}

/** The issues of one text, by line and column; of more than `LIMITS.issueCountMax` the first, and how many more there are. */
export function reportIssues(issues: readonly FileIssue[]): readonly FileIssue[] {
  const order = (a: FileIssue, b: FileIssue): number => {
    if (a.file !== b.file) return (a.file ?? "") < (b.file ?? "") ? -1 : 1;
    return a.line - b.line || a.column - b.column;
  };
  return bounded([...issues].sort(order));
}

function bounded(issues: readonly FileIssue[]): readonly FileIssue[] {
  const last = issues[LIMITS.issueCountMax - 1];
  if (issues.length <= LIMITS.issueCountMax || last === undefined) return issues;
  const more = `and ${issues.length - LIMITS.issueCountMax + 1} more problems; correct those above first`;
  return [...issues.slice(0, LIMITS.issueCountMax - 1), { ...last, path: "", message: more, fix: undefined }];
}

/**
 * The error that reports all `issues` at once, one per line; `details.issues` holds them. Its code is theirs where they
 * agree, else `fallback`.
 */
export function issuesError(issues: readonly FileIssue[], fallback: HandlebarErrorCode): HandlebarError {
  const [first] = issues;
  const code = first !== undefined && issues.every((issue) => issue.code === first.code) ? first.code : fallback;
  const count = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
  const message = [`${count}; correct each line below`, ...issues.map(formatIssue)].join("\n");
  return new HandlebarError(code, message, { field: first?.path, details: { issues } });
}
