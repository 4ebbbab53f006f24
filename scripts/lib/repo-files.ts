import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { REPO_ROOT } from "./repo-root.ts";

/** A text file of the repository; `path` is from its root, with `/`. */
export interface RepoFile {
  readonly path: string;
  readonly text: string;
}

const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([
  ".docs-check",
  ".git",
  ".handlebar",
  "coverage",
  "dist",
  "node_modules",
  "reports",
]);
const TEXT_EXTENSIONS: ReadonlySet<string> = new Set([
  "",
  ".cjs",
  ".css",
  ".html",
  ".js",
  ".json",
  ".jsonl",
  ".md",
  ".mjs",
  ".sh",
  ".sql",
  ".ts",
  ".tsx",
  ".txt",
  ".yaml",
  ".yml",
]);

/** Every text file of the repository but what is installed, built or measured; by path. */
export function repoFiles(): readonly RepoFile[] {
  const paths: string[] = [];
  collect("", paths);
  return paths.sort().map((path) => ({ path, text: readFileSync(join(REPO_ROOT, path), "utf8") }));
}

function collect(folder: string, paths: string[]): void {
  for (const entry of readdirSync(join(REPO_ROOT, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) collect(path, paths);
    // A name such as `.gitignore` is all extension; `extname` gives "" for it.
    if (entry.isFile() && TEXT_EXTENSIONS.has(extname(entry.name))) paths.push(path);
  }
}

/** TypeScript that ships or runs: packages, scripts, examples and benchmarks. */
export function isCode(path: string): boolean {
  return /^(packages|scripts|examples|bench)\/.*\.(ts|tsx|js|mjs)$/.test(path);
}

export function isTest(path: string): boolean {
  return /\.(test(-[a-z-]+)?|fixture)\.tsx?$/.test(path);
}

/** Lines of `text` that match, as `path:line: what`. */
export function linesMatching(file: RepoFile, pattern: RegExp, what: string): readonly string[] {
  return file.text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${what}`] : []));
}
