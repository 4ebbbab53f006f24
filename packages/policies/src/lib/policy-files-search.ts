import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FileIssue } from "./file-issue.ts";
import { LIMITS } from "./limits.ts";

/** Which files of a directory are wanted, and what to say when there are none. */
export interface FileKind {
  readonly matches: (name: string) => boolean;
  /** Such as `policy file`. */
  readonly noun: string;
  /** How their names end. */
  readonly hint: string;
}

/**
 * The files that `paths` stand for: files themselves, and of directories all wanted files below them, by name. Left out are
 * names that start with `.`, and `node_modules`. A path that cannot be read or holds none adds an issue.
 */
export function findFiles(paths: readonly string[], kind: FileKind, issues: FileIssue[]): readonly string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const files = listFiles(path, kind, issues);
    if (files?.length === 0)
      issues.push(unreadable(path, `holds no ${kind.noun}`, `${kind.noun}s end in ${kind.hint}`));
    for (const file of files ?? []) found.add(file);
  }
  if (found.size <= LIMITS.fileCountMax) return [...found];
  issues.push(unreadable(paths[0] ?? "", `holds more than ${LIMITS.fileCountMax} ${kind.noun}s`, "name fewer"));
  return [];
}

/** The text of a file; adds an issue and gives `undefined` when it cannot be read. */
export function readText(file: string, issues: FileIssue[]): string | undefined {
  try {
    if (statSync(file).size > LIMITS.textLengthMax * 4) {
      issues.push(unreadable(file, `is larger than ${LIMITS.textLengthMax} characters`, "split it into several files"));
      return undefined;
    }
    return readFileSync(file, "utf8");
  } catch (error) {
    issues.push(unreadable(file, `cannot be read (${systemCode(error)})`, "check the path and its permissions"));
    return undefined;
  }
}

/** A file or directory that cannot be used. */
function unreadable(file: string, what: string, fix: string): FileIssue {
  return { file, line: 1, column: 1, path: "", code: "HB_POLICY_FILE_UNREADABLE", message: `${what}; ${fix}`, fix };
}

/** `path` itself, or the wanted files below it; `undefined` when it cannot be read. */
function listFiles(path: string, kind: FileKind, issues: FileIssue[]): readonly string[] | undefined {
  try {
    return statSync(path).isDirectory() ? filesBelow(path, { kind, issues, depth: 1 }) : [path];
  } catch (error) {
    issues.push(unreadable(path, `cannot be read (${systemCode(error)})`, "check the path and its permissions"));
    return undefined;
  }
}

interface Search {
  readonly kind: FileKind;
  readonly issues: FileIssue[];
  readonly depth: number;
}

function filesBelow(directory: string, search: Search): readonly string[] {
  if (search.depth > LIMITS.directoryDepthMax) {
    const what = `lies deeper than ${LIMITS.directoryDepthMax} levels`;
    search.issues.push(unreadable(directory, what, "name it itself"));
    return [];
  }
  const entries = readdirSync(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    if (entry.name.startsWith(".") || entry.name === "node_modules") return [];
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return filesBelow(path, { ...search, depth: search.depth + 1 });
    return search.kind.matches(entry.name) ? [path] : [];
  });
}

function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
