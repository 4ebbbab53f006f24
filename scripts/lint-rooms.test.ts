import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPO_ROOT } from "./lib/repo-root.ts";

/** A file with one fault, and what the linter must say of it: the rule, and words of the message. */
interface Fault {
  readonly file: string;
  readonly source: string;
  readonly rule: string;
  readonly says?: string;
}

const imports = (file: string, from: string, says: string): Fault => ({
  file,
  source: `import { planted } from "${from}";\n\nexport const kept: unknown = planted;\n`,
  rule: "noRestrictedImports",
  says,
});

const ROOM_FAULTS: readonly Fault[] = [
  imports("packages/protocol/src/lib/a.ts", "@handlebar/engine", "the protocol room"),
  imports("packages/protocol/src/lib/b.ts", "node:fs", "the protocol room"),
  imports("packages/engine/src/lib/a.ts", "@handlebar/core", "the engine room"),
  imports("packages/engine/src/lib/b.ts", "node:fs", "the engine room"),
  imports("packages/engine/src/lib/c.ts", "@bufbuild/cel", "the CEL parser belongs behind src/check.ts"),
  imports("packages/engine/src/lib/d.ts", "../../../core/src/lib/run.ts", "this reaches into another room"),
  imports("packages/engine/src/lib/e.ts", "@handlebar/protocol/lib/policy.js", "the engine room"),
  imports("packages/engine/src/lib/check/a.ts", "yaml", "the engine room's save-time side"),
  imports("packages/engine/src/check.ts", "@handlebar/policies", "the engine room's save-time side"),
  imports("packages/engine/src/lib/cel/parse-expr.ts", "@handlebar/core", "the engine room's save-time side"),
  imports("packages/policies/src/lib/a.ts", "@handlebar/core", "the policies room"),
  imports("packages/policies/src/lib/b.ts", "node:fs", "the policies room"),
  imports("packages/policies/src/node.ts", "@handlebar/core", "the policies room's `/node` side"),
  imports("packages/core/src/lib/a.ts", "@handlebar/policies", "the core room must load on edge"),
  imports("packages/core/src/lib/b.ts", "node:async_hooks", "the core room must load on edge"),
  imports("packages/core/src/lib/c.ts", "ai", "frameworks in an adapter package"),
  imports("packages/core/src/lib/node/a.ts", "@handlebar/cli", "the core room's `/node` side"),
  imports("packages/testing/src/lib/a.ts", "@handlebar/cli", "the testing room"),
  imports("packages/cli/src/lib/a.ts", "@handlebar/core/dist/lib/run.js", "the cli room"),
  imports("packages/cli/src/lib/b.ts", "@handlebar/testing", "the cli room"),
  imports("packages/ai-sdk/src/lib/a.ts", "@handlebar/engine", "the ai-sdk adapter"),
  imports("packages/langchain/src/lib/a.ts", "@handlebar/ai-sdk", "the langchain adapter"),
  imports("packages/openai-agents/src/lib/a.ts", "@handlebar/protocol", "the openai-agents adapter"),
  imports("packages/server/src/a.ts", "@handlebar/core", "the server room"),
  imports("packages/server/src/routes/a.ts", "../storage/runs.ts", "server/routes speak HTTP"),
  imports("packages/server/src/services/a.ts", "hono", "HTTP belongs in server/routes"),
  imports("packages/server/src/storage/a.ts", "../services/runs.ts", "server/storage"),
  imports("packages/dashboard/src/a.ts", "@handlebar/core", "the dashboard room talks only HTTP"),
  imports("examples/refunds/src/a.ts", "../../../packages/core/src/index.ts", "examples and benchmarks stand where"),
  imports("packages/engine/src/lib/a.test.ts", "../../../core/src/lib/run.ts", "this reaches into another room"),
];

const plant = (rule: string, file: string, source: string): Fault => ({ rule, file, source: `${source}\n` });
const longBody = "  count += 1;\n".repeat(80);

const RULE_FAULTS: readonly Fault[] = [
  plant("noExplicitAny", "packages/engine/src/lib/r-any.ts", "export const a: any = 1;"),
  plant("noNonNullAssertion", "packages/engine/src/lib/r-bang.ts", "export const f = (a?: string): string => a!;"),
  plant("noDefaultExport", "packages/engine/src/lib/r-default.ts", "export default 1;"),
  plant("useFilenamingConvention", "packages/engine/src/lib/rName.ts", "export const a = 1;"),
  plant("noEnum", "packages/engine/src/lib/r-enum.ts", "export enum A {\n  B = 1,\n}"),
  plant(
    "noParameterProperties",
    "packages/engine/src/lib/r-pp.ts",
    "export class A {\n  constructor(readonly b: 1) {}\n}",
  ),
  plant(
    "noFloatingPromises",
    "packages/core/src/lib/r-float.ts",
    "async function f(): Promise<number> {\n  return 1;\n}\nexport function g(): void {\n  f();\n}",
  ),
  plant(
    "useExhaustiveSwitchCases",
    "packages/engine/src/lib/r-switch.ts",
    'export function f(a: "x" | "y"): number {\n  switch (a) {\n    case "x":\n      return 1;\n  }\n  return 2;\n}',
  ),
  plant("noProcessEnv", "packages/cli/src/lib/r-env.ts", "export const a = process.env.HOME;"),
  plant("noConsole", "packages/cli/src/lib/r-console.ts", 'console.log("x");'),
  plant("useThrowOnlyError", "packages/engine/src/lib/r-throw.ts", 'export function f(): never {\n  throw "x";\n}'),
  plant(
    "useErrorCause",
    "packages/engine/src/lib/r-cause.ts",
    "export function f(g: () => void): void {\n  try {\n    g();\n  } catch (error) {\n    throw new Error(typeof error);\n  }\n}",
  ),
  plant(
    "noEmptyBlockStatements",
    "packages/engine/src/lib/r-empty.ts",
    "export function f(g: () => void): void {\n  try {\n    g();\n  } catch {}\n}",
  ),
  plant(
    "noImportCycles",
    "packages/engine/src/lib/r-cycle-a.ts",
    'import { b } from "./r-cycle-b.ts";\nexport const a: number = b;',
  ),
  plant(
    "noImportCycles",
    "packages/engine/src/lib/r-cycle-b.ts",
    'import { a } from "./r-cycle-a.ts";\nexport const b: number = a;',
  ),
  plant("noExcessiveLinesPerFile", "packages/engine/src/lib/r-long.ts", "export const a = 1;\n".repeat(401)),
  plant(
    "noExcessiveLinesPerFunction",
    "packages/engine/src/lib/r-body.ts",
    `export function f(): number {\n  let count = 0;\n${longBody}  return count;\n}`,
  ),
  plant(
    "useMaxParams",
    "packages/engine/src/lib/r-params.ts",
    "export const f = (a: 1, b: 1, c: 1, d: 1): number => a + b + c + d;",
  ),
  plant(
    "noUndeclaredDependencies",
    "packages/engine/src/lib/r-undeclared.ts",
    'import { a } from "left-pad";\nexport const b: unknown = a;',
  ),
  plant(
    "noUndeclaredDependencies",
    "packages/engine/src/lib/r-dev.ts",
    'import { a } from "vitest";\nexport const b: unknown = a;',
  ),
  plant(
    "noNodejsModules",
    "packages/core/src/lib/r-node.ts",
    'import { a } from "node:fs";\nexport const b: unknown = a;',
  ),
  plant("noReExportAll", "packages/engine/src/r-all.ts", 'export * from "./lib/a.ts";'),
  plant("noTsIgnore", "packages/engine/src/lib/r-ignore.ts", "// @ts-ignore\nexport const a = 1;"),
  plant("noFocusedTests", "packages/engine/src/lib/r-only.test.ts", `it.${"only"}("x", () => {});`),
  plant("noSkippedTests", "packages/engine/src/lib/r-skip.test.ts", `it.${"skip"}("x", () => {});`),
  ...["fetch", "setTimeout", "setInterval", "crypto", "performance", "process", "console", "globalThis", "Buffer"].map(
    (name): Fault =>
      plant("noRestrictedGlobals", `packages/core/src/lib/g-${name.toLowerCase()}.ts`, `export const a = ${name};`),
  ),
  plant("noRestrictedGlobals", "packages/core/src/lib/node/g-fetch.ts", "export const a = fetch;"),
  plant("noRestrictedGlobals", "packages/engine/src/lib/g-timer.ts", "export const a = setTimeout;"),
  plant("noRestrictedGlobals", "packages/protocol/src/lib/g-fetch.ts", "export const a = fetch;"),
];

/** What each room may do; none of these may be reported. */
const CLEAN: readonly Pick<Fault, "file" | "source">[] = [
  ["packages/protocol/src/lib/ok.ts", "zod"],
  ["packages/engine/src/lib/ok.ts", "@handlebar/protocol"],
  ["packages/engine/src/lib/ok-regex.ts", "re2js"],
  ["packages/engine/src/lib/ok-local.ts", "../lib/ok.ts"],
  ["packages/engine/src/lib/cel/parse.ts", "@bufbuild/cel"],
  ["packages/policies/src/lib/ok.ts", "yaml"],
  ["packages/policies/src/lib/policy-files.ts", "node:fs/promises"],
  ["packages/core/src/lib/ok.ts", "@handlebar/engine"],
  ["packages/core/src/lib/ok-hash.ts", "@noble/hashes/sha2.js"],
  ["packages/core/src/lib/node/ok.ts", "@handlebar/policies/node"],
  ["packages/core/src/lib/node/ok-fs.ts", "node:fs"],
  ["packages/cli/src/lib/ok.ts", "@handlebar/core/node"],
  ["packages/engine/src/lib/ok.test.ts", "@handlebar/testing"],
].map(([file = "", from = ""]) => ({
  file,
  source: `import { planted } from "${from}";\n\nexport const kept: unknown = planted;\n`,
}));
const CLEAN_HOSTS: readonly Pick<Fault, "file" | "source">[] = [
  {
    file: "packages/core/src/lib/runtime.ts",
    source: "export const parts: readonly unknown[] = [fetch, setTimeout, performance, console, process.env];\n",
  },
  {
    file: "packages/core/src/lib/node/own.ts",
    source: "export const parts: readonly unknown[] = [process, Buffer];\n",
  },
];

interface Diagnostic {
  readonly category: string;
  readonly message: string;
  readonly location: { readonly path: string };
}

let root = "";
let diagnostics: readonly Diagnostic[] = [];

function put(file: string, source: string): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, source);
}

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "handlebar-lint-")));
  for (const file of ["biome.json", "package.json", ".gitignore"])
    copyFileSync(join(REPO_ROOT, file), join(root, file));
  for (const name of readdirSync(join(REPO_ROOT, "packages"))) {
    mkdirSync(join(root, "packages", name), { recursive: true });
    copyFileSync(join(REPO_ROOT, "packages", name, "package.json"), join(root, "packages", name, "package.json"));
  }
  for (const { file, source } of [...ROOM_FAULTS, ...RULE_FAULTS, ...CLEAN, ...CLEAN_HOSTS]) put(file, source);
  const biome = join(REPO_ROOT, "node_modules", ".bin", "biome");
  const run = spawnSync(biome, ["lint", "--reporter=json", "--max-diagnostics=none", "packages", "examples"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  diagnostics = JSON.parse(run.stdout.slice(run.stdout.indexOf("{"))).diagnostics;
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const said = (file: string): readonly { readonly rule: string; readonly message: string }[] =>
  diagnostics
    .filter((diagnostic) => diagnostic.location.path === file)
    .map(({ category, message }) => ({ rule: category.slice(category.lastIndexOf("/") + 1), message }));

describe("import rules", () => {
  it.each(ROOM_FAULTS)("$file may not import this: $says", ({ file, says }) => {
    const messages = said(file).filter(({ rule }) => rule === "noRestrictedImports");
    expect(messages.map(({ message }) => message)).toContainEqual(expect.stringContaining(says ?? ""));
  });

  it.each(CLEAN)("$file may import what its room allows", ({ file }) => {
    const rules = said(file).map(({ rule }) => rule);
    expect(rules.filter((rule) => /Restricted|Nodejs/.test(rule))).toEqual([]);
  });
});

describe("code rules", () => {
  it.each(RULE_FAULTS)("$rule fires in $file", ({ file, rule }) => {
    expect(said(file).map((fault) => fault.rule)).toContain(rule);
  });

  it.each(CLEAN_HOSTS)("$file may use its host", ({ file }) => {
    expect(said(file)).toEqual([]);
  });
});
