import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { errorsJson, errorsPage } from "./error-reference.ts";

const ROOT = join(import.meta.dirname, "../..");
const TABLE = "packages/protocol/src/lib/error-codes.ts";
const CODES = Object.keys(ERROR_CODES);

/** The codes that the sources of all packages name, tests left out, with the files that name them. */
function codesInSources(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of sourceFiles()) {
    for (const [code] of readFileSync(join(ROOT, file), "utf8").matchAll(/\bHB_[A-Z_]*[A-Z]\b/g)) {
      found.set(code, [...(found.get(code) ?? []), file]);
    }
  }
  return found;
}

function sourceFiles(): readonly string[] {
  const packages = readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}/src`);
  return packages.flatMap((folder) => {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
    return names
      .filter((name) => /\.tsx?$/.test(name) && !/\.test(-d)?\.ts$/.test(name))
      .map((name) => `${folder}/${name}`);
  });
}

describe("the table of error codes", () => {
  const used = codesInSources();

  it("has every code that a source names", () => {
    const unknown = [...used].filter(([code]) => !CODES.includes(code));
    expect(unknown).toEqual([]);
  });

  it("has no code that no source uses", () => {
    const unused = CODES.filter((code) => (used.get(code) ?? []).every((file) => file === TABLE));
    expect(unused).toEqual([]);
  });
});

describe("the pages made from it", () => {
  it("have each code once, with its meaning and fix", () => {
    const headings = [...errorsPage().matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual(CODES);
    expect(JSON.parse(errorsJson())).toEqual({
      errors: Object.entries(ERROR_CODES).map(([code, entry]) => ({ code, ...entry })),
    });
  });
});
