import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { formatIssue, readPolicies } from "@handlebar/policies";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DocFence, docFences } from "./lib/doc-fences.ts";
import { fencesOf } from "./lib/markdown.ts";
import { repoFiles } from "./lib/repo-files.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";

const FOLDER = join(REPO_ROOT, ".docs-check");
const { fences, problems } = docFences();
const fileOf = (fence: DocFence): string =>
  `${fence.document.replace(/\.md$/, "").replace(/[^a-z0-9]+/gi, "-")}-${fence.line}.ts`.toLowerCase();

/** What the compiler says of all blocks, each line with the place in the document instead of the file. */
function compile(): readonly string[] {
  const tsc = spawnSync(join(REPO_ROOT, "node_modules/.bin/tsc"), ["-p", FOLDER, "--pretty", "false"], {
    encoding: "utf8",
  });
  return `${tsc.stdout}${tsc.stderr}`.split("\n").flatMap((text) => {
    const [, file, line, message] = /^(.*?)\((\d+),\d+\): (.*)$/.exec(text) ?? [];
    if (file === undefined) return /^error/.test(text) ? [text] : [];
    const fence = fences.find((candidate) => fileOf(candidate) === basename(file));
    // What is wrong in the packages themselves is the type check's to say.
    if (fence === undefined) return [];
    return [`${fence.document}:${fence.line + Number(line) - 1 - fence.setupLines}: ${message}`];
  });
}

beforeAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const fence of fences) writeFileSync(join(FOLDER, fileOf(fence)), fence.source);
  const config = {
    extends: "../tsconfig.check.json",
    // Readers' own settings do not complain of a name that a short example leaves unused.
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: ["*.ts"],
  };
  writeFileSync(join(FOLDER, "tsconfig.json"), JSON.stringify(config));
});

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("TypeScript in documents", () => {
  it("is marked as checked, run or ignored with a reason", () => {
    expect(problems).toEqual([]);
  });

  it.runIf(fences.length > 0)("compiles", { timeout: 300_000 }, () => {
    expect(compile()).toEqual([]);
  });

  const running = fences.filter(({ runs }) => runs);
  it.each(running.map((fence) => [`${fence.document}:${fence.line}`, fence] as const))("%s runs", (_place, fence) => {
    const run = spawnSync(process.execPath, ["--conditions=@handlebar/source", "--import", "tsx", fileOf(fence)], {
      cwd: FOLDER,
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
  });
});

describe("policies in documents", () => {
  // A fragment shows a part of a policy; what has a name and rules is a whole one.
  const policies = repoFiles()
    .filter(({ path }) => /^(README\.md|(docs|packages|examples)\/.*\.md)$/.test(path))
    .flatMap(({ path, text }) => fencesOf(text).map((fence) => [`${path}:${fence.line}`, fence] as const))
    .filter(([, { language, code }]) => language === "yaml" && /^name:/m.test(code) && /^rules:/m.test(code));

  it("are valid", () => {
    const issues = policies.flatMap(([place, { code }]) =>
      readPolicies(code).issues.map((issue) => `${place}: ${formatIssue(issue)}`),
    );
    expect(issues).toEqual([]);
  });
});
