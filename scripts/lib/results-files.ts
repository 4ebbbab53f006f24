import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPO_ROOT } from "./repo-root.ts";

/** What the packages' tests checked in under this name: one file, `<name>.json`, or a folder with one for each version. */
export function readResultsFiles<T>(name: string): readonly T[] {
  return readdirSync(join(REPO_ROOT, "packages"))
    .sort()
    .flatMap((folder) => filesOf(join(REPO_ROOT, "packages", folder), name))
    .map((file): T => JSON.parse(readFileSync(file, "utf8")));
}

function filesOf(base: string, name: string): readonly string[] {
  const folder = join(base, name);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return [join(base, `${name}.json`), ...files.map((file) => join(folder, file))].filter((file) => existsSync(file));
}
