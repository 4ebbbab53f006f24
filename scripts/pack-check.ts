/**
 * Builds and packs every package, and uses the tarballs as a stranger would: lints them, installs them in an empty
 * project, imports every entry on each Node.js at hand, compiles against their types, bundles the SDK for edge hosts.
 *
 *   npm run pack:check
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Platform } from "esbuild";
import { BUNDLED_NODE, type CommandResult, machineNode, run } from "./lib/command.ts";
import { edgeBundle } from "./lib/edge-bundle.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";
import {
  type Manifest,
  type PackageEntry,
  packageEntries,
  packageWorkspaces,
  type Workspace,
} from "./lib/workspaces.ts";

interface Tarball extends Workspace {
  readonly file: string;
  readonly contents: readonly string[];
}

const BUNDLES: readonly Platform[] = ["neutral", "browser"];
/** Compilers that users have, beside the repository's own; their packages cannot be installed side by side here. */
const COMPILERS: Readonly<Record<string, string>> = {
  "typescript-5.9": "npm:typescript@5.9.3",
  "typescript-6": "npm:typescript@6.0.3",
};
/** Adapters as a program uses them: with the framework's own types beside them. */
const ADAPTER_USES = `
import { governAI, govern } from "@handlebar/ai-sdk";
import { Handlebar } from "@handlebar/core";
import { governAgent, handlebar } from "@handlebar/langchain";
import { createRun } from "@handlebar/openai-agents";
import * as agents from "@openai/agents";
import * as ai from "ai";
import { createAgent } from "langchain";

declare const model: ai.LanguageModel;
const hb = Handlebar.init({ agent: { slug: "packed" }, enforceMode: "off" });
export const sdk: typeof ai = governAI(ai, hb);
export const text: Promise<string> = ai
  .generateText({ ...govern(hb.startRun(), { model }), prompt: "x" })
  .then((result) => result.text);
export const run = createRun(hb);
export const result = run(new agents.Agent({ name: "a" }), "x");
export const agent = governAgent(hb, createAgent({ model: "x", tools: [], middleware: [handlebar(hb)] }));
`;
let problemCount = 0;

function report(what: string, problems: readonly string[]): void {
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"}  ${what}`);
  for (const problem of problems) console.log(problem.trimEnd().replace(/^/gm, "      "));
  problemCount += problems.length;
}

const reportCommand = (what: string, { ok, output }: CommandResult): void => report(what, ok ? [] : [output]);

async function pack(workspace: Workspace, folder: string): Promise<Tarball> {
  const packed = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: join(REPO_ROOT, workspace.folder),
  });
  if (!packed.ok) throw new Error(`npm pack failed in ${workspace.folder}:\n${packed.output}`);
  // The shape that `npm pack --json` prints.
  const [info] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
  return { ...workspace, file: join(folder, info.filename), contents: info.files.map(({ path }) => path) };
}

function contentProblems({ contents, manifest }: Tarball): readonly string[] {
  const wanted = [
    "LICENSE",
    "README.md",
    ...Object.values(manifest.bin ?? {}).map((path) => path.replace(/^\.\//, "")),
  ];
  return [
    ...wanted.filter((path) => !contents.includes(path)).map((path) => `${path} is missing`),
    ...contents
      .filter((path) => /\.test[.-]|\.fixture\.|tsbuildinfo/.test(path))
      .map((path) => `${path} does not belong in it`),
  ];
}

async function checkTarball(tarball: Tarball): Promise<void> {
  const { manifest, file } = tarball;
  report(`${manifest.name}: contents`, contentProblems(tarball));
  reportCommand(`${manifest.name}: publint`, await run("publint", ["run", file, "--strict"]));
  reportCommand(`${manifest.name}: types resolve`, await run("attw", [file, "--profile", "esm-only", "--no-color"]));
}

async function install(tarballs: readonly Tarball[], folder: string): Promise<void> {
  const dependencies = Object.fromEntries(tarballs.map(({ manifest, file }) => [manifest.name, `file:${file}`]));
  mkdirSync(folder);
  const all = { ...dependencies, ...COMPILERS };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies: all }));
  const args = ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
  const installed = await run("npm", args, { cwd: folder });
  reportCommand("installs in an empty project", installed);
  if (!installed.ok) throw new Error("what is not installed cannot be used");
}

/** Loads an entry in a process of its own; it must load, and say nothing. */
async function loadProblems(node: string, folder: string, specifier: string): Promise<readonly string[]> {
  const problems: string[] = [];
  const ways = {
    import: ["--input-type=module", "--eval", `await import("${specifier}")`],
    // Older releases warn that requiring a module is experimental; that is theirs to say, not ours.
    require: ["--disable-warning=ExperimentalWarning", "--input-type=commonjs", "--eval", `require("${specifier}")`],
  };
  for (const [way, args] of Object.entries(ways)) {
    const { ok, output } = await run(node, args, { cwd: folder });
    if (!ok) problems.push(`${way} fails: ${output}`);
    else if (output !== "") problems.push(`${way} prints: ${output}`);
  }
  return problems;
}

/** Whether a package is meant for a Node.js; the range is `>=` and a version, as every package writes it. */
function runsOn({ engines }: Manifest, version: string): boolean {
  const wanted = (engines?.["node"] ?? "").replace(">=", "").split(".").map(Number);
  const given = version.replace("v", "").split(".").map(Number);
  const at = wanted.findIndex((part, place) => part !== given[place]);
  return at < 0 || (given[at] ?? 0) > (wanted[at] ?? 0);
}

async function checkTypes(folder: string, entries: readonly PackageEntry[]): Promise<void> {
  const lines = entries.map(({ specifier }, index) => `export * as entry${index} from "${specifier}";`);
  writeFileSync(join(folder, "entries.ts"), `${lines.join("\n")}\n`);
  writeFileSync(join(folder, "adapters.ts"), ADAPTER_USES);
  // The frameworks' own declarations are theirs to keep right.
  const strict = { strict: true, module: "nodenext", target: "es2023", noEmit: true, skipLibCheck: true };
  const own = { ...strict, types: [], skipLibCheck: false };
  const ours = entries.filter(({ specifier }) => !FRAMEWORK_ENTRIES.test(specifier));
  const ownLines = ours.map(({ specifier }, index) => `export * as entry${index} from "${specifier}";`);
  writeFileSync(join(folder, "own-entries.ts"), `${ownLines.join("\n")}\n`);
  const projects = {
    "every entry": { compilerOptions: { ...strict, types: [] }, files: ["entries.ts"] },
    "the declarations of entries without a framework": { compilerOptions: own, files: ["own-entries.ts"] },
    "programs of the frameworks": { compilerOptions: strict, files: ["adapters.ts"] },
  };
  for (const [what, config] of Object.entries(projects)) {
    const file = join(folder, "tsconfig.json");
    writeFileSync(file, JSON.stringify(config));
    reportCommand(`${what}: a strict project compiles`, await run("tsc", ["-p", folder]));
    for (const name of Object.keys(COMPILERS)) {
      const compiled = await run(BUNDLED_NODE, [join(folder, "node_modules", name, "bin/tsc"), "-p", folder]);
      reportCommand(`${what}: a strict project compiles with ${name}`, compiled);
    }
  }
}

/** Entries whose declarations name a framework's. */
const FRAMEWORK_ENTRIES = /^@handlebar\/(langchain|openai-agents)/;

async function checkCommands(node: string, folder: string, tarballs: readonly Tarball[]): Promise<void> {
  for (const { manifest } of tarballs) {
    for (const [name, path] of Object.entries(manifest.bin ?? {})) {
      const bin = join(folder, "node_modules", manifest.name, path);
      reportCommand(`\`${name} --help\` runs`, await run(node, [bin, "--help"], { cwd: folder }));
    }
  }
}

async function checkBundles(folder: string): Promise<void> {
  for (const platform of BUNDLES) {
    const { sizeBytes, gzipBytes, problems } = await edgeBundle(folder, "@handlebar/core", platform);
    report(`@handlebar/core bundles for ${platform}: ${sizeBytes} bytes, ${gzipBytes} with gzip`, problems);
  }
}

async function checkPackages(folder: string): Promise<void> {
  const built = await run("tsc", ["-b"]);
  reportCommand("builds", built);
  if (!built.ok) return;
  const tarballs = await Promise.all(packageWorkspaces().map((workspace) => pack(workspace, folder)));
  for (const tarball of tarballs) await checkTarball(tarball);

  const project = join(folder, "project");
  await install(tarballs, project);
  const entries = tarballs.flatMap((tarball) => packageEntries(tarball));
  const machine = await machineNode();
  for (const node of machine === undefined ? [BUNDLED_NODE] : [BUNDLED_NODE, machine.path]) {
    const version = (await run(node, ["--version"])).stdout.trim();
    const usable = tarballs.filter(({ manifest }) => runsOn(manifest, version)).flatMap((one) => packageEntries(one));
    for (const { specifier } of usable) {
      report(`${specifier} loads on Node.js ${version}`, await loadProblems(node, project, specifier));
    }
    await checkCommands(node, project, tarballs);
  }
  await checkTypes(project, entries);
  await checkBundles(project);
}

const folder = mkdtempSync(join(tmpdir(), "handlebar-pack-"));
try {
  await checkPackages(folder);
} catch (error) {
  report("the check came to its end", [error instanceof Error ? error.message : String(error)]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(problemCount === 0 ? "every package can be used as packed" : `${problemCount} problems`);
if (problemCount > 0) process.exitCode = 1;
