import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ADAPTER_CONTRACT_CASES } from "@handlebar/testing";
import { describe, expect, it } from "vitest";
import { contractTable, frameworksOf, MAP, readColumns, withContractTable } from "./contract-table.ts";
import { REPO_ROOT } from "./repo-root.ts";

const [first, second, third] = ADAPTER_CONTRACT_CASES;
const yes = { result: "yes", modes: ["a", "b"] } as const;

describe("the contract table", () => {
  it("is what the checked-in results say", () => {
    const document = readFileSync(join(REPO_ROOT, MAP), "utf8");
    expect(withContractTable(document) === document, "run npm run integration-map").toBe(true);
  });

  it("is about the cases that there are, on every adapter", () => {
    const ids = ADAPTER_CONTRACT_CASES.map(({ id }) => id);
    for (const { adapter, results } of readColumns()) {
      for (const { framework, cases } of results)
        expect([adapter, framework, cases.map(({ id }) => id)]).toEqual([adapter, framework, ids]);
    }
  });

  it("names every version that it was seen on", () => {
    const document = readFileSync(join(REPO_ROOT, MAP), "utf8");
    for (const column of readColumns()) expect(document).toContain(frameworksOf(column));
  });

  it("says yes, no and partly with the reason and the framework's issue, and tells versions apart", () => {
    const result = (framework: string, last: object) => ({
      adapter: "x",
      framework,
      cases: [
        { ...first, ...yes },
        { ...second, result: "partly", modes: ["a"], reason: "b | cannot" },
        { ...third, ...last },
      ] as never,
    });
    const no = { result: "no", modes: [], reason: "never", issue: "o/r#1" };
    const table = contractTable([{ adapter: "x", results: [result("f 1", no), result("f 2", yes)] }]);
    const rows = table
      .split("\n")
      .slice(2, 5)
      .map((row) => row.split(/(?<!\\)\|/)[2]?.trim());
    expect(rows).toEqual(["yes", "in `a` alone: b \\| cannot", "f 1: no: never (o/r#1); f 2: yes"]);
  });
});
