import { type ExprIssue, prepareExpressions } from "@handlebar/engine/check";
import { formatPath, type Policy } from "@handlebar/protocol";
import type { FileIssue } from "./file-issue.ts";
import { nodeAt, offsetAt, type SourceNode } from "./source-node.ts";
import type { SourceText } from "./source-text.ts";

/** Between the start of a text in a file and its first line, or between its lines, stands no more than this. */
const GAP_LENGTH_MAX = 200;

/** Where a policy was read. */
export interface SourcePlace {
  readonly source: SourceText;
  readonly root: SourceNode;
  readonly keys: readonly PropertyKey[];
}

/** A policy with the trees of its expressions, or what is wrong with these, placed in the file. */
export function preparePolicy(
  policy: Policy,
  at: SourcePlace,
): { readonly policy: Policy; readonly issues: readonly FileIssue[] } {
  const prepared = prepareExpressions([policy]);
  const issues = prepared.issues.map((issue): FileIssue => {
    const keys = [...at.keys, ...issue.keys.slice(1)];
    return {
      file: at.source.file,
      ...at.source.place(offsetInFile(at.source.text, at.root, { keys, issue })),
      path: formatPath(keys),
      code: "HB_POLICY_EXPR_INVALID",
      message: issue.message,
    };
  });
  return { policy: prepared.policies[0] ?? policy, issues };
}

/** Where the fault stands in the file: exact where the expression is written as it is, else where it starts. */
function offsetInFile(
  text: string,
  root: SourceNode,
  { keys, issue }: { readonly keys: readonly PropertyKey[]; readonly issue: ExprIssue },
): number {
  const start = offsetAt(root, keys);
  const node = nodeAt(root, keys);
  const lines = node?.kind === "scalar" && typeof node.value === "string" ? node.value.split("\n") : [];
  let lineStart = start;
  let from = start;
  for (const line of lines.slice(0, issue.line)) {
    lineStart = text.indexOf(line, from);
    if (lineStart === -1 || lineStart - from > GAP_LENGTH_MAX) return start;
    from = lineStart + line.length;
  }
  return lineStart + issue.column - 1;
}
