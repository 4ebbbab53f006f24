import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PACK_NAMES, packFile } from "./pack-files.ts";
import { loadPolicyFiles } from "./policy-files.ts";
import { readCaseFiles } from "./policy-files-cases.ts";
import { runPolicyCases } from "./run-cases.ts";

const folder = fileURLToPath(new URL("../../packs/", import.meta.url));

describe("policy packs", () => {
  it("are the files that ship", () => {
    const files = readdirSync(folder).filter((file) => !file.endsWith(".cases.yaml"));
    expect(files.sort()).toEqual(PACK_NAMES.map((name) => `${name}.yaml`));
  });

  it.each(PACK_NAMES)("%s does what its cases say, and its cases meet every rule", (name) => {
    const policies = loadPolicyFiles([fileURLToPath(packFile(name))]);
    const { files, issues } = readCaseFiles([`${folder}${name}.cases.yaml`]);
    expect(issues).toEqual([]);
    expect(files.flatMap((file) => file.issues)).toEqual([]);
    const run = runPolicyCases(
      policies,
      files.flatMap((file) => file.cases),
    );
    expect(run.results.filter((result) => !result.passed)).toEqual([]);
    expect(run.passedCount).toBeGreaterThan(0);
    expect(run.unmatchedRules).toEqual([]);
  });
});
