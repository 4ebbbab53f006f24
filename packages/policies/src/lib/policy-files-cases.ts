import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { FileIssue } from "./file-issue.ts";
import { type FileKind, findFiles, readText } from "./policy-files-search.ts";
import { type CasesReading, readCases } from "./read-cases.ts";

/** One case file, and the policy files that it is about. */
export interface CaseFileReading extends CasesReading {
  readonly file: string;
  /** Paths that can be read from here; empty when none is known, which is an issue. */
  readonly policyFiles: readonly string[];
}

/** What files and directories held. */
export interface CaseFilesReading {
  readonly files: readonly CaseFileReading[];
  /** Of all files, and of paths that could not be read. */
  readonly issues: readonly FileIssue[];
}

const CASE_FILES: FileKind = {
  matches: (name) => /\.cases\.(?:ya?ml|json)$/i.test(name),
  noun: "case file",
  hint: "`.cases.yaml`, `.cases.yml` or `.cases.json`",
};

/**
 * Reads case files. A directory is read with all below it, as for policy files. A case file is about the policy files that it
 * names under `policies`, relative to itself, or else about the one of the same name beside it: `refunds.cases.yaml` about
 * `refunds.yaml`, `refunds.yml` or `refunds.json`.
 */
export function readCaseFiles(paths: string | readonly string[]): CaseFilesReading {
  const issues: FileIssue[] = [];
  const files: CaseFileReading[] = [];
  for (const file of findFiles(typeof paths === "string" ? [paths] : paths, CASE_FILES, issues)) {
    const text = readText(file, issues);
    if (text === undefined) continue;
    const reading = readCases(text, { file });
    const own = [...reading.issues];
    const policyFiles = reading.policyFiles?.map((path) => resolve(dirname(file), path)) ?? policyBeside(file, own);
    files.push({ ...reading, file, policyFiles, issues: own });
    issues.push(...own);
  }
  return { files, issues };
}

function policyBeside(file: string, issues: FileIssue[]): readonly string[] {
  const stem = file.replace(/\.cases\.(?:ya?ml|json)$/i, "");
  const found =
    stem === file ? undefined : [".yaml", ".yml", ".json"].map((end) => stem + end).find((path) => existsSync(path));
  if (found !== undefined) return [found];
  const fix = "name the policy files under `policies`";
  const message = `no policy file of the same name stands beside it; ${fix}`;
  issues.push({ file, line: 1, column: 1, path: "", code: "HB_CASE_INVALID", message, fix });
  return [];
}
