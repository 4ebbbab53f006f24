import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { REPO_ROOT } from "./lib/repo-root.ts";
import { ROOMS } from "./lib/rooms.ts";
import { type Manifest, packageEntries, packageWorkspaces, readManifest, type Workspace } from "./lib/workspaces.ts";

const PACKAGES = packageWorkspaces();
const VERSIONS = new Map(PACKAGES.map(({ manifest }) => [manifest.name, manifest.version]));
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

const PACKED = [
  "dist",
  "!dist/.tsbuildinfo",
  "src",
  "!src/**/*.test.ts",
  "!src/**/*.test-*.ts",
  "!src/**/*.fixture.ts",
];

const at = (...parts: readonly string[]): string => join(REPO_ROOT, ...parts);
const roomOf = ({ folder }: Workspace): string => basename(folder);
const workspaceDependencies = (manifest: Manifest): readonly string[] =>
  Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith("@handlebar/"));

interface References {
  readonly references?: readonly { readonly path: string }[];
}

function referencesOf(path: string): readonly string[] {
  const config = JSON.parse(readFileSync(at(path), "utf8")) as References;
  return (config.references ?? []).map((reference) => basename(reference.path)).sort();
}

describe.each(PACKAGES.map((workspace) => [workspace.folder, workspace] as const))("%s", (folder, workspace) => {
  const { manifest } = workspace;
  const room = ROOMS[roomOf(workspace)];

  it("has the fields that every package has", () => {
    const { name, license, type, sideEffects, engines, publishConfig } = manifest;
    expect({ name, license, type, sideEffects, engines, publishConfig }).toEqual({
      name: `@handlebar/${roomOf(workspace)}`,
      license: "Apache-2.0",
      type: "module",
      sideEffects: false,
      engines: { node: roomOf(workspace) === "server" ? ">=22.19.0" : ">=20.19.0" },
      publishConfig: { access: "public" },
    });
    expect(manifest.version).toMatch(EXACT);
    expect(manifest.description).toMatch(/^.{20,160}$/);
    expect(manifest.scripts).toBeUndefined();
  });

  it("packs what it builds, its source, and no test", () => {
    expect(manifest.files).toEqual(expect.arrayContaining(PACKED));
  });

  it("exports entries that each have a file at the top of src", () => {
    expect(Object.keys(manifest.exports ?? {})).toEqual(expect.arrayContaining([".", "./package.json"]));
    for (const { subpath, source } of packageEntries(workspace)) {
      const name = subpath === "." ? "index" : subpath.slice(2);
      // An adapter whose framework has two copies in one package gives `require` the copy that `require` gives.
      const required = existsSync(at(folder, "src/require.ts")) ? { require: "./dist/require.js" } : {};
      expect(manifest.exports?.[subpath]).toEqual({
        "@handlebar/source": `./src/${name}.ts`,
        types: `./dist/${name}.d.ts`,
        ...required,
        default: `./dist/${name}.js`,
      });
      expect(existsSync(at(folder, source))).toBe(true);
    }
  });

  it("depends on what its room may, at exact versions", () => {
    expect(room, "add the room to scripts/lib/rooms.ts and biome.json").toBeDefined();
    const mine = workspaceDependencies(manifest);
    const allowed = (room?.workspace ?? []).map((name) => `@handlebar/${name}`);
    expect(mine.filter((name) => !allowed.includes(name))).toEqual([]);
    for (const name of mine) expect(manifest.dependencies?.[name], name).toBe(VERSIONS.get(name));
    const others = Object.keys(manifest.dependencies ?? {}).filter((name) => !mine.includes(name));
    expect(others.filter((name) => room?.others?.includes(name) === false)).toEqual([]);
    for (const name of others) expect(manifest.dependencies?.[name], name).toMatch(/^\^?\d/);
  });

  it("is built after what it depends on", () => {
    const mine = workspaceDependencies(manifest).map((name) => name.slice("@handlebar/".length));
    expect(referencesOf(`${folder}/tsconfig.json`)).toEqual([...mine].sort());
  });

  it("has a README that begins with its name", () => {
    expect(readFileSync(at(folder, "README.md"), "utf8")).toMatch(new RegExp(`^# \`?${manifest.name}\`?\n`));
  });
});

describe("the workspace", () => {
  const root = readManifest("package.json");

  it("builds every package", () => {
    expect(referencesOf("tsconfig.json")).toEqual(PACKAGES.map(roomOf).sort());
  });

  it("pins every tool", () => {
    // Several versions of one framework stand side by side under names of their own.
    const pinned = (version: string): string => version.replace(/^npm:(@[\w-]+\/)?[\w-]+@/, "");
    const versions = Object.entries(root.devDependencies ?? {}).filter(([, version]) => !EXACT.test(pinned(version)));
    expect(versions).toEqual([]);
    expect(root.dependencies).toBeUndefined();
  });

  it("releases packages that depend on each other at one version", () => {
    expect([...new Set(VERSIONS.values())]).toHaveLength(1);
  });

  it("has the documents that a reader looks for", () => {
    const wanted = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", ".ci/run"];
    expect(wanted.filter((path) => !existsSync(at(path)))).toEqual([]);
  });
});
