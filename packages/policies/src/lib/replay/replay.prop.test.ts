import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policiesOf } from "./replay.fixture.ts";
import { createReplay } from "./replay.ts";

const POLICIES = policiesOf(
  `- { name: a, on: [tool.before, tool.after], when: { kind: toolArg, path: "**", type: string, op: contains, value: a }, effect: { type: block } }
- { name: b, on: tool.before, when: { kind: maxCalls, scope: agent, max: 3, windowSeconds: 60 }, effect: { type: hitl } }`,
  "flow: { labels: [x], sources: [{ fields: [freeText], add: [x], trust: untrusted }] }\n",
);

/** Rows that are nearly right, and anything else. */
const row = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
  fc.record(
    {
      run_id: fc.oneof(fc.constantFrom("r1", "r2"), fc.anything()),
      tool: fc.oneof(fc.constantFrom("a", "b"), fc.anything()),
      args: fc.anything(),
      result: fc.anything(),
      error: fc.anything(),
      prompt: fc.anything(),
      ts: fc.anything(),
      step: fc.anything(),
      tags: fc.anything(),
      actor: fc.anything(),
      context: fc.anything(),
      metrics: fc.anything(),
    },
    { requiredKeys: [] },
  ),
);

describe("a replay of anything", () => {
  it("never throws, and every row is either decided or skipped", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const replay = createReplay(POLICIES);
        const takenCount = rows.filter((one) => replay.feed(one).ok).length;
        const { calls, skipped, answers } = replay.report();
        const skippedCount = Object.values(skipped).reduce((sum, count) => sum + count, 0);
        expect([takenCount + skippedCount, calls]).toEqual([rows.length, takenCount]);
        expect(answers.allowed + answers.held + answers.blocked).toBe(calls);
      }),
      { numRuns: 300 },
    );
  });
});
