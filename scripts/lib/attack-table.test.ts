import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AttackResults, approvalAttacks } from "@handlebar/testing";
import { describe, expect, it } from "vitest";
import { APPROVALS_PAGE, attackTable, columnsOf, readAttackResults, withAttackTable } from "./attack-table.ts";
import { REPO_ROOT } from "./repo-root.ts";

const CASES = approvalAttacks(() => Promise.reject(new Error("not run here")));

describe("the table of attacks on approvals", () => {
  it("is what the checked-in results say", () => {
    const document = readFileSync(join(REPO_ROOT, APPROVALS_PAGE), "utf8");
    expect(withAttackTable(document) === document, "run npm run integration-map").toBe(true);
  });

  it("is about the attacks that there are, on everything that holds calls", () => {
    const results = readAttackResults();
    expect(columnsOf(results)).toEqual([
      "core",
      "core, deciding on the control plane",
      "hand-written loop",
      "AI SDK 6",
      "AI SDK 7",
      "LangChain",
      "OpenAI Agents",
    ]);
    const expected = CASES.map(({ attack, outcome }) => [attack, outcome]);
    for (const { framework, attacks } of results) {
      expect([framework, attacks.map(({ attack, outcome }) => [attack, outcome])]).toEqual([framework, expected]);
    }
  });

  it("says where an attack has no place, and why", () => {
    const result = (framework: string, rest: object): AttackResults => ({
      column: "AI SDK 6",
      framework,
      attacks: [{ attack: "a", outcome: "o", ways: ["w"], ...rest }],
    });
    const table = (...results: readonly AttackResults[]): string => attackTable(results).split("\n")[2] ?? "";
    const never = { ways: [], notPossible: { "no such thing": ["v"] } };
    expect(table(result("f 1", {}), result("f 2", {}))).toBe("| a | o | yes |");
    expect(table(result("f 1", {}), result("f 2", never))).toBe("| a | o | yes [1] |");
    expect(table(result("f 1", never))).toBe("| a | o | not possible [1] |");
    expect(attackTable([result("f 1", never)])).toContain("[1] not possible here, f 1, v: no such thing");
  });
});
