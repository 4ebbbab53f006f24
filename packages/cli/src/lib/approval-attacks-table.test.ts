import { readFileSync } from "node:fs";
import { approvalAttacks } from "@handlebar/testing";
import { expect, it } from "vitest";

it("the table of attacks in the documents is what the tests run", () => {
  const text = readFileSync(new URL("../../../../docs/concepts/approvals.md", import.meta.url), "utf8");
  const cases = approvalAttacks(() => Promise.reject(new Error("not run here")));
  const table = ["| attack | outcome |", "| --- | --- |", ...cases.map((one) => `| ${one.attack} | ${one.outcome} |`)];
  expect(text).toContain(`\n${table.join("\n")}\n\n`);
});
