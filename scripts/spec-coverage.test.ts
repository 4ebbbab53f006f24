import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { repoFiles } from "./lib/repo-files.ts";

const spec = readFileSync("spec/SPEC.md", "utf8");
const requirements = [...spec.matchAll(/^- \*\*(\d+\.\d+)\*\*/gm)].map((match) => match[1] ?? "");

function coveredSections(): ReadonlySet<string> {
  const covered = new Set<string>();
  for (const file of readdirSync("spec/conformance")) {
    const { cases } = JSON.parse(readFileSync(`spec/conformance/${file}`, "utf8")) as { cases: { section: string }[] };
    for (const { section } of cases) covered.add(section);
  }
  for (const { text } of repoFiles().filter(({ path }) => path.startsWith("packages/") && path.endsWith(".test.ts"))) {
    for (const [, section = ""] of text.matchAll(/\[SPEC (\d+\.\d+)\]/g)) covered.add(section);
  }
  return covered;
}

describe("the specification", () => {
  it("numbers each requirement once, in order", () => {
    expect(requirements.length).toBeGreaterThan(40);
    expect(new Set(requirements).size).toBe(requirements.length);
    const sorted = [...requirements].sort(
      (a, b) => Number(a.split(".")[0]) - Number(b.split(".")[0]) || Number(a.split(".")[1]) - Number(b.split(".")[1]),
    );
    expect(requirements).toEqual(sorted);
  });

  it("has a case or a test for every requirement", () => {
    const covered = coveredSections();
    expect(requirements.filter((number) => !covered.has(number))).toEqual([]);
  });

  it("has a requirement for every case and test that names one", () => {
    expect([...coveredSections()].filter((number) => !requirements.includes(number))).toEqual([]);
  });
});
