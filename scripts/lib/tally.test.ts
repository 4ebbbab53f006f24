import { describe, expect, it } from "vitest";
import { addTallies, succeeded, tallyLine, tallyReport } from "./tally.ts";

const report = (fields: object): string =>
  JSON.stringify({
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
    ...fields,
  });

describe("tallyReport", () => {
  it("counts what passed, failed and was skipped", () => {
    const json = report({ numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 3 });
    expect(tallyReport(json, false)).toEqual({ passed: 5, failed: 2, skipped: 4 });
  });

  it("counts a file that did not load as one failure", () => {
    const testResults = [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [{}] },
      { status: "passed", assertionResults: [{}] },
    ];
    expect(tallyReport(report({ numPassedTests: 1, numFailedTests: 1, testResults }), false)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 0,
    });
  });

  it.each([
    ["no report", undefined, true],
    ["no test", report({}), true],
  ])("counts %s as a failure", (_what, json, exitedWell) => {
    expect(tallyReport(json, exitedWell)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it("counts a bad end that no test explains as a failure", () => {
    expect(tallyReport(report({ numPassedTests: 3 }), false)).toEqual({ passed: 3, failed: 1, skipped: 0 });
  });
});

describe("tallies", () => {
  it("add up", () => {
    const sum = addTallies({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 });
    expect(sum).toEqual({ passed: 11, failed: 22, skipped: 33 });
  });

  it.each([
    [{ passed: 3, failed: 0, skipped: 0 }, "3 passed, 0 failed", true],
    [{ passed: 3, failed: 1, skipped: 2 }, "3 passed, 1 failed, 2 skipped", false],
    [{ passed: 0, failed: 0, skipped: 2 }, "0 passed, 0 failed, 2 skipped", false],
  ])("%o reads %s", (tally, line, good) => {
    expect(tallyLine(tally)).toBe(line);
    expect(succeeded(tally)).toBe(good);
  });
});
