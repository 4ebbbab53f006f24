import type { Policy } from "@handlebar/protocol";
import { type FileIssue, issuesError } from "./file-issue.ts";
import { type FileKind, findFiles, readText } from "./policy-files-search.ts";
import { type PolicyOrigin, type PolicyReading, readPolicies } from "./read-policies.ts";

/** What files and directories held. */
export interface PolicyFilesReading extends PolicyReading {
  /** The policy files that were found, in the order in which they were read. */
  readonly files: readonly string[];
}

const POLICY_FILES: FileKind = {
  matches: (name) => /\.(?:ya?ml|json)$/i.test(name) && !/\.cases\.(?:ya?ml|json)$/i.test(name),
  noun: "policy file",
  hint: "`.yaml`, `.yml` or `.json`",
};

/**
 * Reads policy files. A directory is read with all below it: `*.yaml`, `*.yml` and `*.json`, without case files
 * (`*.cases.yaml` and so on), names that start with `.`, and `node_modules`; by name, so that the order is the same
 * everywhere.
 *
 * @throws HandlebarError listing every problem of all files, as `parsePolicies` does; `HB_POLICY_FILE_UNREADABLE` for a
 * path that does not exist or holds no policy file.
 */
export function loadPolicyFiles(paths: string | readonly string[]): readonly Policy[] {
  const { policies, issues } = readPolicyFiles(paths);
  if (issues.length > 0) throw issuesError(issues, "HB_POLICY_INVALID");
  return policies;
}

/** Reads as `loadPolicyFiles` does, and returns what is wrong instead of throwing it. */
export function readPolicyFiles(paths: string | readonly string[]): PolicyFilesReading {
  const issues: FileIssue[] = [];
  const files = findFiles(typeof paths === "string" ? [paths] : paths, POLICY_FILES, issues);
  const policies: Policy[] = [];
  const origins: PolicyOrigin[] = [];
  for (const file of files) {
    const text = readText(file, issues);
    if (text === undefined) continue;
    const reading = readPolicies(text, { file });
    policies.push(...reading.policies);
    origins.push(...reading.origins);
    issues.push(...reading.issues);
  }
  return { policies, origins, issues, files };
}
