/**
 * Writes `api/<package>.txt`: the names that each entry of a package exports, sorted, with their declarations, from the
 * built declaration files. A change of the public surface so stands in the diff of the change that makes it.
 *
 *   npm run api [-- --check]
 *
 * `--check` writes nothing and exits with 1 when a report is not what the build says.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { exportedNames } from "./lib/declarations.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";
import { packageEntries, packageWorkspaces, type Workspace } from "./lib/workspaces.ts";

const FOLDER = join(REPO_ROOT, "api");
const CHANGED_LINES_MAX = 40;
const check = process.argv.includes("--check");
const reports = new Map(
  packageWorkspaces().map((workspace) => [`${basename(workspace.folder)}.txt`, report(workspace)]),
);
mkdirSync(FOLDER, { recursive: true });

for (const [name, text] of reports) {
  const file = join(FOLDER, name);
  const current = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (current === text) continue;
  if (check) {
    console.error(`api/${name} is not what the build exports; run \`npm run api\`, read its diff, commit it`);
    for (const line of changedLines(current, text)) console.error(line);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote api/${name}`);
  }
}

for (const name of readdirSync(FOLDER).filter((file) => !reports.has(file))) {
  if (check) {
    console.error(`api/${name} belongs to no package; run \`npm run api\``);
    process.exitCode = 1;
  } else {
    rmSync(join(FOLDER, name));
    console.log(`removed api/${name}`);
  }
}

function report(workspace: Workspace): string {
  const sections = packageEntries(workspace).map(({ specifier, types }) => {
    const names = exportedNames(join(REPO_ROOT, workspace.folder, types));
    return [`# ${specifier}`, "", ...names.map(({ name, signature }) => line(name, signature)), ""].join("\n");
  });
  return sections.join("\n");
}

function line(name: string, signature: string): string {
  // An alias is shown by the name that users import.
  return new RegExp(`\\b${name.replaceAll("$", "\\$")}\\b`).test(signature) ? signature : `${name} = ${signature}`;
}

function changedLines(before: string, after: string): readonly string[] {
  const old = before.split("\n");
  const now = after.split("\n");
  const changed = [
    ...old.filter((text) => !now.includes(text)).map((text) => `  - ${text}`),
    ...now.filter((text) => !old.includes(text)).map((text) => `  + ${text}`),
  ];
  const rest = changed.length - CHANGED_LINES_MAX;
  return rest > 0 ? [...changed.slice(0, CHANGED_LINES_MAX), `  ... and ${rest} more`] : changed;
}
