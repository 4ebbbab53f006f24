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
import { type PackageEntry, packageEntries, packageWorkspaces, type Workspace } from "./lib/workspaces.ts";

interface Tarball extends Workspace {
  readonly file: string;
  readonly contents: readonly string[];
}

const BUNDLES: readonly Platform[] = ["neutral", "browser"];
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
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
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

async function checkTypes(folder: string, entries: readonly PackageEntry[]): Promise<void> {
  const lines = entries.map(({ specifier }, index) => `export * as entry${index} from "${specifier}";`);
  writeFileSync(join(folder, "entries.ts"), `${lines.join("\n")}\n`);
  const compilerOptions = { strict: true, module: "nodenext", target: "es2023", types: [], noEmit: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["entries.ts"] }));
  reportCommand("a strict project compiles against the types", await run("tsc", ["-p", folder]));
}

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
    for (const { specifier } of entries) {
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
