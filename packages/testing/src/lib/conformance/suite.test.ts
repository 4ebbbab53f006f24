import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { conformanceFileSchema } from "./conformance-case.ts";
import { runConformanceCase } from "./run-conformance-case.ts";

const FOLDER = fileURLToPath(new URL("../../../../../spec/conformance/", import.meta.url));
const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .flatMap((file) => conformanceFileSchema.parse(JSON.parse(readFileSync(`${FOLDER}${file}`, "utf8"))).cases);

describe("the conformance suite", () => {
  it("has at least 150 cases, each with its own id", () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
    expect(new Set(cases.map((one) => one.id)).size).toBe(cases.length);
  });

  it.each(cases.map((one) => [one.section, one.title, one] as const))("[SPEC %s] %s", (_section, _title, one) => {
    expect(runConformanceCase(one).failures).toEqual([]);
  });
});
