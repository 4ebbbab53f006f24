import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatIssue } from "./file-issue.ts";
import { loadPolicyFiles, readPolicyFiles } from "./policy-files.ts";
import { readCaseFiles } from "./policy-files-cases.ts";

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "handlebar-policies-"));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Issues with the temporary directory left out. */
function problems(paths: string | readonly string[]): readonly string[] {
  return readPolicyFiles(paths).issues.map((issue) => formatIssue(issue).replace(`${root}/`, "").replace(root, "."));
}

describe("loadPolicyFiles", () => {
  it("reads files and directories, cases and hidden names left out", () => {
    write("b.yaml", "name: b\nrules: []\n");
    write("a/two.yml", "name: a2\nrules: []\n");
    write("a/one.json", '{ "name": "a1", "rules": [] }');
    write("a/one.cases.yaml", "cases: []\n");
    write("a/notes.md", "# notes");
    write(".git/x.yaml", "nonsense: [");
    write("node_modules/y.yaml", "nonsense: [");
    expect(loadPolicyFiles(root).map((policy) => policy.name)).toEqual(["a1", "a2", "b"]);
    expect(readPolicyFiles([join(root, "b.yaml"), root]).files.map((file) => file.slice(root.length + 1))).toEqual([
      "b.yaml",
      "a/one.json",
      "a/two.yml",
    ]);
  });

  it("follows links to files, as mounted configuration has them", () => {
    write("..data/p.yaml", "name: mounted\nrules: []\n");
    symlinkSync(join(root, "..data/p.yaml"), join(root, "p.yaml"));
    symlinkSync(root, join(root, "loop"));
    expect(loadPolicyFiles(root).map((policy) => policy.name)).toEqual(["mounted"]);
  });

  it("reports what is wrong in every file together", () => {
    write("good.yaml", "name: good\nrules: []\n");
    write("a.yaml", "name: a\nrule: []\n");
    write("z.json", "{");
    const reading = readPolicyFiles(root);
    expect(reading.policies).toEqual([{ name: "good", rules: [] }]);
    expect(reading.origins.map((origin) => origin.file)).toEqual([join(root, "good.yaml")]);
    expect(problems(root)).toEqual([
      "a.yaml:1:1 rules: is required; give a list",
      "a.yaml:2:1 rule: unknown field; did you mean `rules`?",
      "z.json:1:2 expected a field name in double quotes, and found the end of the text",
    ]);
    expect(() => loadPolicyFiles(root)).toThrow(/^HB_POLICY_INVALID: 3 problems; correct each line below\n/);
  });

  it("reports paths that cannot be read or hold nothing", () => {
    mkdirSync(join(root, "empty"));
    expect(problems([join(root, "missing.yaml"), join(root, "empty")])).toEqual([
      "missing.yaml:1:1 cannot be read (ENOENT); check the path and its permissions",
      "empty:1:1 holds no policy file; policy files end in `.yaml`, `.yml` or `.json`",
    ]);
    expect(() => loadPolicyFiles(join(root, "empty"))).toThrow(/^HB_POLICY_FILE_UNREADABLE: 1 problem/);
  });

  it("refuses directories deeper than the bound", () => {
    write(`${"d/".repeat(17)}p.yaml`, "name: deep\nrules: []\n");
    write("p.yaml", "name: top\nrules: []\n");
    expect(problems(root)).toEqual([`${"d/".repeat(16).slice(0, -1)}:1:1 lies deeper than 16 levels; name it itself`]);
  });
});

describe("readCaseFiles", () => {
  const CASES = "cases: [{ name: a, steps: [{ advance: 1s }] }]\n";

  /** Each case file with its cases and policy files, and all issues, the temporary directory left out. */
  function cases(path: string): unknown {
    const { files, issues } = readCaseFiles(join(root, path));
    const short = (file: string): string => file.replace(`${root}/`, "");
    return {
      files: files.map((one) => [short(one.file), one.cases.length, one.policyFiles.map(short)]),
      issues: issues.map((issue) => short(formatIssue(issue))),
    };
  }

  it("finds the policies beside each, or those it names", () => {
    write("a.cases.yaml", CASES);
    write("a.yml", "name: a\nrules: []\n");
    write("deep/b.cases.yml", `policies: [../a.yml, ./c.json]\n${CASES}`);
    expect(cases(".")).toEqual({
      files: [
        ["a.cases.yaml", 1, ["a.yml"]],
        ["deep/b.cases.yml", 1, ["a.yml", "deep/c.json"]],
      ],
      issues: [],
    });
  });

  it("reports what is wrong", () => {
    write("a.cases.yaml", CASES);
    write("b.yaml", "name: b\nrules: []\n");
    write("b.cases.yaml", "cases: []\n");
    expect(cases(".")).toEqual({
      files: [
        ["a.cases.yaml", 1, []],
        ["b.cases.yaml", 0, ["b.yaml"]],
      ],
      issues: [
        "a.cases.yaml:1:1 no policy file of the same name stands beside it; name the policy files under `policies`",
        "b.cases.yaml:1:8 cases: must have at least one element",
      ],
    });
    expect(cases("missing")).toEqual({
      files: [],
      issues: ["missing:1:1 cannot be read (ENOENT); check the path and its permissions"],
    });
  });
});
