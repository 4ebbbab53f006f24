import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPO_ROOT } from "./repo-root.ts";

/** The fields of a package.json that the checks read. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly publishConfig?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** One package of the workspace; `folder` is from the repository's root. */
export interface Workspace {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** An entry that users can import, such as `@handlebar/core/node`, and the source file behind it. */
export interface PackageEntry {
  readonly specifier: string;
  readonly subpath: string;
  readonly source: string;
  readonly types: string;
}

/** The packages that are published, by folder name. */
export function packageWorkspaces(): readonly Workspace[] {
  return readdirSync(join(REPO_ROOT, "packages"))
    .sort()
    .filter((name) => existsSync(join(REPO_ROOT, "packages", name, "package.json")))
    .map((name) => ({ folder: `packages/${name}`, manifest: readManifest(`packages/${name}/package.json`) }));
}

export function readManifest(path: string): Manifest {
  // Its shape is what the tidy checks assert field by field.
  return JSON.parse(readFileSync(join(REPO_ROOT, path), "utf8")) as Manifest;
}

/** The code entries of a package, without files that are exported as they are (package.json, schemas). */
export function packageEntries({ manifest }: Workspace): readonly PackageEntry[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
    if (typeof target === "string") return [];
    const specifier = manifest.name + subpath.slice(1);
    return [{ specifier, subpath, source: target["@handlebar/source"] ?? "", types: target["types"] ?? "" }];
  });
}
