import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Failure, failureDecision, onFailure } from "./failure-table.ts";

interface Row {
  readonly failure: Failure;
  readonly failClosed: boolean;
  readonly expect: object;
}

const { failures } = JSON.parse(readFileSync(new URL("../../../../spec/failures.json", import.meta.url), "utf8")) as {
  readonly failures: readonly Row[];
};

describe("the failure table", () => {
  it.each(failures.map((row) => [row.failure, row.failClosed, row] as const))(
    "[SPEC 6.1] %s, failClosed %s",
    (failure, failClosed, row) => {
      const { answer, ...rest } = onFailure(failure, failClosed);
      expect({ ...answer, ...rest }).toEqual(row.expect);
    },
  );

  it("[SPEC 6.1] has both fail modes of every failure", () => {
    expect(failures.length).toBe(16);
    expect(new Set(failures.map((row) => `${row.failure} ${row.failClosed}`)).size).toBe(16);
  });

  it("[SPEC 6.3] gives a decision that says what was missing", () => {
    expect(failureDecision(onFailure("not-ready", true))).toMatchObject({
      verdict: "BLOCK",
      control: "TERMINATE",
      cause: { kind: "UNAVAILABLE", code: "HB_STATE_NOT_READY" },
      degraded: ["HB_STATE_NOT_READY"],
    });
  });
});
